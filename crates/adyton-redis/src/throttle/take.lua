-- KEYS: buckets. ARGV: now; then for each bucket its most attempts, and the end of a window that
-- begins now. Answers {place, end} of the full bucket that stays so for the longest, or {0} and
-- {attempts, end} of each.
local now = tonumber(ARGV[1])
local full, till = 0, 0

for at, key in ipairs(KEYS) do
  local window = redis.call('HMGET', key, 'used', 'ends')
  local used, ends = tonumber(window[1] or 0), tonumber(window[2] or 0)
  if ends > now and used >= tonumber(ARGV[2 * at]) and ends >= till then
    full, till = at, ends
  end
end
if full > 0 then
  return { full, till }
end

local answer = { 0 }
for at, key in ipairs(KEYS) do
  local window = redis.call('HMGET', key, 'used', 'ends')
  local used, ends = tonumber(window[1] or 0) + 1, tonumber(window[2] or 0)
  if ends <= now then
    used, ends = 1, tonumber(ARGV[2 * at + 1])
  end
  redis.call('HSET', key, 'used', used, 'ends', ends)
  redis.call('PEXPIRE', key, (ends - now) * 1000 + 60000)
  answer[2 * at], answer[2 * at + 1] = used, ends
end
return answer
