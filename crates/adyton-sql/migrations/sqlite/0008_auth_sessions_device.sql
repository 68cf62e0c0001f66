ALTER TABLE {sessions} ADD COLUMN device_id INTEGER;
ALTER TABLE {sessions} ADD COLUMN fingerprint VARCHAR(64);
CREATE INDEX {sessions:raw}_device_id_index ON {sessions} (device_id) WHERE device_id IS NOT NULL;
