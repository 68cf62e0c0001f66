CREATE TABLE {tokens} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tokenable_type VARCHAR(255) NOT NULL,
  tokenable_id INTEGER NOT NULL,
  name VARCHAR(255) NOT NULL,
  {token} VARCHAR(64) NOT NULL UNIQUE,
  abilities TEXT,
  last_used_at DATETIME,
  expires_at DATETIME,
  created_at DATETIME,
  updated_at DATETIME
);
CREATE INDEX {tokens:raw}_tokenable_index ON {tokens} (tokenable_type, tokenable_id);
CREATE INDEX {tokens:raw}_expires_at_index ON {tokens} (expires_at);
