ALTER TABLE auth_events ADD COLUMN request_id VARCHAR(64);
ALTER TABLE auth_events ADD COLUMN outcome VARCHAR(16);
CREATE INDEX auth_events_user_id_index ON auth_events (user_id, created_at);
CREATE INDEX auth_events_event_index ON auth_events (event, created_at);
CREATE INDEX auth_events_created_at_index ON auth_events (created_at);
