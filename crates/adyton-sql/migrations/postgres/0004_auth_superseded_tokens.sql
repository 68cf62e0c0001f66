CREATE TABLE auth_superseded_tokens (
  hash VARCHAR(64) NOT NULL PRIMARY KEY,
  session_id BIGINT NOT NULL,
  expires_at TIMESTAMP(0) NOT NULL
);
CREATE INDEX ON auth_superseded_tokens (session_id);
CREATE INDEX ON auth_superseded_tokens (expires_at);
