-- wrk -s user.lua URL -- HEADERS COUNT [once THREADS]: GET with the header lines of a file.
dofile("bench/wrk/lines.lua")

function init(args)
  take_lines(args[1], tonumber(args[2]), args[3] == "once", tonumber(args[4]), function(line)
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
    return wrk.format("GET")
  end)
end
