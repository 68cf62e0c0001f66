-- Writes, since that is what has to work.
redis.call('SET', KEYS[1], '1', 'PX', 60000)
