-- wrk -s user.lua URL -- TOKENS COUNT: requests with the first COUNT tokens of the file, in turn,
-- from a random one on.
local requests, at = {}, 0

function init(args)
  local count = tonumber(args[2])
  for token in io.lines(args[1]) do
    if #requests == count then break end
    requests[#requests + 1] = wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. token })
  end
  math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
  at = math.random(#requests)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

dofile("bench/wrk/report.lua")
