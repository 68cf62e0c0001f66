-- KEYS: state, log. ARGV: users, or `*` for all. The log keeps the last thousand.
for _, user in ipairs(ARGV) do
  redis.call('HINCRBY', KEYS[1], 'count', 1)
  redis.call('LPUSH', KEYS[2], user)
end
redis.call('LTRIM', KEYS[2], 0, 999)
