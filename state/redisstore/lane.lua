-- Takes an audit lane for a writer: its own, or the first that nobody holds. ARGV: now, until, writer.
-- Answers {lane, epoch, n, hash, audit sequence} or nothing. KEYS: the sequence, then the lanes.
local now, free = tonumber(ARGV[1]), nil
for i = 2, #KEYS do
  local lane = redis.call('HMGET', KEYS[i], 'holder', 'until')
  if lane[1] == ARGV[3] then
    free = i
    break
  end
  if not free and (not lane[1] or tonumber(lane[2]) < now) then free = i end
end
if not free then return {} end
local epoch = redis.call('HINCRBY', KEYS[free], 'epoch', 1)
redis.call('HSET', KEYS[free], 'holder', ARGV[3], 'until', ARGV[2])
local head = redis.call('HMGET', KEYS[free], 'n', 'hash')
return {tostring(free - 2), tostring(epoch), head[1] or '0', head[2] or '', redis.call('GET', KEYS[1]) or '0'}
