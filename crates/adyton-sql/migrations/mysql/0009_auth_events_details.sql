ALTER TABLE auth_events ADD COLUMN request_id VARCHAR(64), ADD COLUMN outcome VARCHAR(16),
  ADD INDEX (user_id, created_at), ADD INDEX (event, created_at), ADD INDEX (created_at);
