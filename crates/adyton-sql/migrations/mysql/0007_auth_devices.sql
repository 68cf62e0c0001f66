CREATE TABLE auth_devices (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  secret_hash VARCHAR(64) NOT NULL UNIQUE,
  fingerprint VARCHAR(64),
  name VARCHAR(255),
  first_seen_at DATETIME NOT NULL,
  last_seen_at DATETIME NOT NULL,
  INDEX (user_id),
  INDEX (last_seen_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
