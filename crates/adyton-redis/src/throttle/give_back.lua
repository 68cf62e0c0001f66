-- KEYS: buckets. ARGV: the end of the window that each attempt was taken from.
for at, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'ends') == ARGV[at] and redis.call('HINCRBY', key, 'used', -1) <= 0 then
    redis.call('DEL', key)
  end
end
