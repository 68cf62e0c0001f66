DROP TRIGGER IF EXISTS adyton_tells ON {users};
CREATE TRIGGER adyton_tells AFTER DELETE OR TRUNCATE OR UPDATE OF {u.watched} ON {users}
  FOR EACH STATEMENT EXECUTE FUNCTION adyton_tell('{u.watched}');
DROP TRIGGER IF EXISTS adyton_tells ON {tokens};
CREATE TRIGGER adyton_tells AFTER DELETE OR TRUNCATE OR UPDATE OF {t.watched} ON {tokens}
  FOR EACH STATEMENT EXECUTE FUNCTION adyton_tell('{t.watched}');
DROP TRIGGER IF EXISTS adyton_tells ON {sessions};
CREATE TRIGGER adyton_tells AFTER DELETE OR TRUNCATE OR UPDATE OF {s.watched} ON {sessions}
  FOR EACH STATEMENT EXECUTE FUNCTION adyton_tell('{s.watched}');
DROP TRIGGER IF EXISTS adyton_tells_end ON {sessions};
CREATE TRIGGER adyton_tells_end AFTER UPDATE OF expires_at ON {sessions}
  FOR EACH ROW WHEN (NEW.expires_at < OLD.expires_at) EXECUTE FUNCTION adyton_tell('expires_at');
