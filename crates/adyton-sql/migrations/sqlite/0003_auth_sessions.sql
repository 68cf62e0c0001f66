CREATE TABLE {sessions} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id VARCHAR(64) NOT NULL UNIQUE,
  user_id INTEGER NOT NULL,
  guard VARCHAR(16) NOT NULL,
  abilities TEXT NOT NULL,
  secret_hash VARCHAR(64) NOT NULL UNIQUE,
  rotation INTEGER NOT NULL,
  previous_hash VARCHAR(64),
  salt VARCHAR(64),
  rotated_at DATETIME,
  access_token_id INTEGER,
  previous_access_token_id INTEGER,
  device_name VARCHAR(255),
  user_agent VARCHAR(255),
  network VARCHAR(64),
  created_at DATETIME NOT NULL,
  last_seen_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  revoked_at DATETIME
);
CREATE INDEX {sessions:raw}_user_id_index ON {sessions} (user_id);
CREATE INDEX {sessions:raw}_access_token_index ON {sessions} (access_token_id);
CREATE INDEX {sessions:raw}_previous_access_token_index ON {sessions} (previous_access_token_id);
CREATE INDEX {sessions:raw}_expires_at_index ON {sessions} (expires_at);
CREATE INDEX {sessions:raw}_revoked_at_index ON {sessions} (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX {sessions:raw}_salt_index ON {sessions} (rotated_at) WHERE salt IS NOT NULL;
