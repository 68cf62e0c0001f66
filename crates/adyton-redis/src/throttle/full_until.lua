-- KEYS: a bucket. ARGV: now, its most attempts. Answers when it ends, if it is full.
local window = redis.call('HMGET', KEYS[1], 'used', 'ends')
local used, ends = tonumber(window[1] or 0), tonumber(window[2] or 0)
if ends > tonumber(ARGV[1]) and used >= tonumber(ARGV[2]) then
  return ends
end
