-- KEYS: state, log. ARGV: the life and the count of what was heard before. Answers the life and the
-- count of now, and 1 with the users between them, or 0 where they cannot be told.
--
-- A life is one memory of one process: a restart has another `run_id`, so has the replica that takes
-- over, and a memory that was emptied is born at another time. It always writes, so that a replica,
-- which may lag behind, refuses.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[1], 'born', time[1] .. '.' .. time[2])
local state = redis.call('HMGET', KEYS[1], 'born', 'count')
local life, count = run .. '/' .. state[1], tonumber(state[2] or 0)

local missed = count - tonumber(ARGV[2])
if life ~= ARGV[1] or missed < 0 or missed > 1000 then
  return { life, count, 0, {} }
end
if missed == 0 then
  return { life, count, 1, {} }
end
local users = redis.call('LRANGE', KEYS[2], 0, missed - 1)
return { life, count, #users == missed and 1 or 0, users }
