-- Claims letters of one place, the first of them the head of its queue. KEYS: places, queue, state.
-- ARGV: now, until, token, place, the head's entry in the queue, ids. Answers id and state of each that was claimed.
local now = tonumber(ARGV[1])
if redis.call('ZRANGE', KEYS[2], 0, 0)[1] ~= ARGV[5] then return {} end
local out = {}
for i = 6, #ARGV do
  local v = redis.call('HGET', KEYS[3], ARGV[i])
  local due, n, notbefore, til, claims, token, held
  if v then due, n, notbefore, til, claims, token, held = string.match(v, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (.*)$') end
  if v and token == ARGV[3] then -- this very claim, whose reply was lost
    out[#out + 1] = ARGV[i]
    out[#out + 1] = v
  elseif v and tonumber(due) <= now and tonumber(notbefore) <= now and tonumber(til) <= now then
    v = table.concat({due, n, notbefore, ARGV[2], string.format('%.0f', tonumber(claims) + 1), ARGV[3], held}, ' ')
    redis.call('HSET', KEYS[3], ARGV[i], v)
    out[#out + 1] = ARGV[i]
    out[#out + 1] = v
  elseif i == 6 then
    return {}
  end
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
return out
