ALTER TABLE {sessions} ADD COLUMN device_id BIGINT, ADD COLUMN fingerprint VARCHAR(64),
  ADD INDEX (device_id);
