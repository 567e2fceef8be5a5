-- Ends a claim. KEYS: places, queue, state, letters, receipts, cards, all, dead, old, hours, old cards, held.
-- ARGV: verb, place, id, token, time, text, card field, kind:hour, hour, card:hour if the card can be forgotten.
local id = ARGV[3]
local v = redis.call('HGET', KEYS[3], id)
if not v then -- settled before; by this very call, if it left the same words behind
  local left = redis.call('HGET', ARGV[1] == 'dead' and KEYS[8] or KEYS[5], id)
  if left and left == ARGV[6] then return 'ok' end
  return 'lost'
end
local due, n, notbefore, til, claims, token = string.match(v, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%S+) ')
if token ~= ARGV[4] then return 'lost' end
if ARGV[1] == 'later' then
  redis.call('HSET', KEYS[3], id, table.concat({due, n, ARGV[5], '0', claims, token, ARGV[6]}, ' '))
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[12], id, ARGV[2]) else redis.call('HDEL', KEYS[12], id) end
elseif ARGV[1] == 'renew' then
  redis.call('HSET', KEYS[3], id, table.concat({due, n, notbefore, ARGV[5], claims, token, string.match(v, '^%d+ %d+ %d+ %d+ %d+ %S+ (.*)$')}, ' '))
else
  redis.call('ZREM', KEYS[2], n .. id)
  redis.call('HDEL', KEYS[3], id)
  redis.call('HDEL', KEYS[4], id)
  redis.call('HDEL', KEYS[12], id)
  redis.call('ZREM', KEYS[7], id)
  if ARGV[1] == 'dead' then
    redis.call('HSET', KEYS[8], id, ARGV[6])
  else
    redis.call('HSET', KEYS[5], id, ARGV[6])
    if ARGV[7] ~= '' then redis.call('HSET', KEYS[6], ARGV[7], ARGV[6]) end
    if ARGV[10] ~= '' then
      redis.call('SADD', KEYS[11], ARGV[7])
      redis.call('ZADD', KEYS[10], ARGV[9], ARGV[10])
    end
  end
  redis.call('SADD', KEYS[9], id)
  redis.call('ZADD', KEYS[10], ARGV[9], ARGV[8])
end
-- when to look at this place again
local head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
if not head then
  redis.call('ZREM', KEYS[1], ARGV[2])
else
  due, n, notbefore, til = string.match(redis.call('HGET', KEYS[3], string.sub(head, 13)) or '0 0 0 0 ', '^(%d+) (%d+) (%d+) (%d+) ')
  redis.call('ZADD', KEYS[1], string.format('%.0f', math.max(tonumber(due), tonumber(notbefore), tonumber(til))), ARGV[2])
end
return 'ok'
