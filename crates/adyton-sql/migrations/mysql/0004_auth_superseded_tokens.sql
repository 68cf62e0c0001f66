CREATE TABLE auth_superseded_tokens (
  hash VARCHAR(64) NOT NULL PRIMARY KEY,
  session_id BIGINT NOT NULL,
  expires_at DATETIME NOT NULL,
  INDEX (session_id),
  INDEX (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
