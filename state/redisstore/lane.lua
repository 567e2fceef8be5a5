-- Takes an audit lane for a writer: its own, or the one that was silent for longest. Taking one from a writer that is
-- alive is safe, it only has to take another. ARGV: now, until, writer. KEYS: the sequence, then the lanes.
-- Answers {lane, epoch, n, hash, audit sequence}.
local best, oldest = nil, nil
for i = 2, #KEYS do
  local lane = redis.call('HMGET', KEYS[i], 'holder', 'until')
  local til = tonumber(lane[2] or '0')
  if lane[1] == ARGV[3] then
    best = i
    break
  end
  if til < tonumber(ARGV[1]) then til = 0 end -- of those whose lease is over, the first
  if not best or til < oldest then best, oldest = i, til end
end
local epoch = redis.call('HINCRBY', KEYS[best], 'epoch', 1)
redis.call('HSET', KEYS[best], 'holder', ARGV[3], 'until', ARGV[2])
local head = redis.call('HMGET', KEYS[best], 'n', 'hash')
return {tostring(best - 2), tostring(epoch), head[1] or '0', head[2] or '', redis.call('GET', KEYS[1]) or '0'}
