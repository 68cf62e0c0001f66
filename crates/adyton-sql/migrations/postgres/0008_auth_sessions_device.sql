ALTER TABLE {sessions} ADD COLUMN device_id BIGINT, ADD COLUMN fingerprint VARCHAR(64);
CREATE INDEX ON {sessions} (device_id) WHERE device_id IS NOT NULL;
