-- wrk -s post.lua URL -- TYPE BODY USERS [PAUSE]: POST of a body in which USER stands for the number
-- of a random user and NEW for what no request had before; PAUSE is in milliseconds.
local content, body, users, mark, count

function init(args)
  content, body, users = { ["Content-Type"] = args[1] }, args[2], tonumber(args[3])
  local pause = tonumber(args[4] or 0)
  if pause > 0 then function delay() return pause end end
  math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
  mark, count = string.format("%xx%x", os.time(), math.random(2 ^ 30)), 0
end

function request()
  count = count + 1
  local new = mark .. "x" .. count
  return wrk.format("POST", nil, content,
    (body:gsub("USER", math.random(users)):gsub("NEW", new)))
end

dofile("bench/wrk/report.lua")
