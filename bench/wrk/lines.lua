-- The first COUNT lines of a file, made into requests by `make` and sent in turn. Each thread begins
-- at a random one; with `once` each has a part of its own and stops at its end.
local threads, requests, at, last = 0, {}, 0, nil

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function take_lines(path, count, once, of, make)
  local first, past = 0, count
  if once then
    first, past = math.floor(count * number / of), math.floor(count * (number + 1) / of)
  end
  local seen = 0
  for line in io.lines(path) do
    if seen >= past then break end
    if seen >= first then requests[#requests + 1] = make(line) end
    seen = seen + 1
  end
  if once then
    last = #requests
  else
    math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
    at = math.random(#requests)
  end
end

function request()
  if last and at >= last then
    wrk.thread:stop()
    return requests[last]
  end
  at = at % #requests + 1
  return requests[at]
end

dofile("bench/wrk/report.lua")
