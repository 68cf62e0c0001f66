CREATE TABLE auth_devices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL,
  secret_hash VARCHAR(64) NOT NULL UNIQUE,
  fingerprint VARCHAR(64),
  name VARCHAR(255),
  first_seen_at DATETIME NOT NULL,
  last_seen_at DATETIME NOT NULL
);
CREATE INDEX auth_devices_user_id_index ON auth_devices (user_id);
CREATE INDEX auth_devices_last_seen_at_index ON auth_devices (last_seen_at);
