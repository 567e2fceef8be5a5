-- Holds a name. ARGV: name, holder, now or '' for the clock of the store, ms to hold it. Answers {epoch, holder}.
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
local v = redis.call('HGET', KEYS[1], ARGV[1])
local epoch, til, holder = '0', '0', ''
if v then epoch, til, holder = string.match(v, '^(%d+) (%d+) (.*)$') end
if holder ~= ARGV[2] then
  if tonumber(til) > now then return {epoch, holder} end
  epoch = string.format('%.0f', tonumber(epoch) + 1)
end
redis.call('HSET', KEYS[1], ARGV[1], epoch .. ' ' .. string.format('%.0f', now + tonumber(ARGV[4])) .. ' ' .. ARGV[2])
return {epoch, ARGV[2]}
