-- wrk -s login.lua URL -- USERS PASSWORD: sign-ins of random users.
local users, password

function init(args)
  users, password = tonumber(args[1]), args[2]
  math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
end

function request()
  local body = string.format('{"email":"user%d@example.com","password":"%s"}',
    math.random(users), password)
  return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
end

dofile("bench/wrk/report.lua")
