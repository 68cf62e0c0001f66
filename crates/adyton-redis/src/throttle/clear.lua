-- KEYS: a bucket.
redis.call('DEL', KEYS[1])
