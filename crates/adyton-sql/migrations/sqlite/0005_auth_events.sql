CREATE TABLE auth_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event VARCHAR(64) NOT NULL,
  count INTEGER NOT NULL,
  user_id INTEGER,
  session_id VARCHAR(64),
  token_id INTEGER,
  network VARCHAR(64),
  reason VARCHAR(255),
  created_at DATETIME NOT NULL
);
