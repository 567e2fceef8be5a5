-- Holds a name. ARGV: name, holder, now, until. Answers {1 or 0, epoch}.
local v = redis.call('HGET', KEYS[1], ARGV[1])
local epoch, til, holder = '0', '0', ''
if v then epoch, til, holder = string.match(v, '^(%d+) (%d+) (.*)$') end
if holder ~= ARGV[2] then
  if tonumber(til) > tonumber(ARGV[3]) then return {'0', epoch} end
  epoch = string.format('%.0f', tonumber(epoch) + 1)
end
redis.call('HSET', KEYS[1], ARGV[1], epoch .. ' ' .. ARGV[4] .. ' ' .. ARGV[2])
return {'1', epoch}
