CREATE TABLE auth_superseded_tokens (
  hash VARCHAR(64) NOT NULL PRIMARY KEY,
  session_id INTEGER NOT NULL,
  expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX auth_superseded_tokens_session_id_index ON auth_superseded_tokens (session_id);
CREATE INDEX auth_superseded_tokens_expires_at_index ON auth_superseded_tokens (expires_at);
