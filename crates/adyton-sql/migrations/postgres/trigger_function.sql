CREATE FUNCTION adyton_tell() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_notify('adyton', TG_RELID || ' ' || COALESCE(current_setting('adyton.node', true), ''));
  RETURN NULL;
END $$;
