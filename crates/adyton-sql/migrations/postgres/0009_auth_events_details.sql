ALTER TABLE auth_events ADD COLUMN request_id VARCHAR(64), ADD COLUMN outcome VARCHAR(16);
CREATE INDEX ON auth_events (user_id, created_at);
CREATE INDEX ON auth_events (event, created_at);
CREATE INDEX ON auth_events (created_at);
