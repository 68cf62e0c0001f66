-- wrk -s refresh.lua URL -- TOKENS COUNT once THREADS: each refresh token of a file is used once.
dofile("bench/wrk/lines.lua")

function init(args)
  wrk.headers["Content-Type"] = "application/json"
  take_lines(args[1], tonumber(args[2]), true, tonumber(args[4]), function(line)
    return wrk.format("POST", nil, nil, '{"refreshToken":"' .. line .. '"}')
  end)
end
