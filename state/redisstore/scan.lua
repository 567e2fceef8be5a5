-- Writes the document of a scan. KEYS: documents, order, running, incidents, wishes. ARGV: verb, id, document, selection, now, until,
-- how many are kept. Answers the scan that holds the selection, or ''; nothing, if there is no such incident (KEYS 4, field 8). The verb
-- ask writes the wish that the scan ends: the document is who wants it. It answers the scan, or '' if it is not known or has ended.
if redis.call('HEXISTS', KEYS[4], ARGV[8]) == 0 then return false end
if ARGV[1] == 'ask' then
  local doc = redis.call('HGET', KEYS[1], ARGV[2])
  if not doc or string.find(doc, '"ended":', 1, true) then return '' end
  redis.call('HSETNX', KEYS[5], ARGV[2], ARGV[3])
  return ARGV[2]
end
local holder = ''
if ARGV[1] == 'end' then redis.call('HDEL', KEYS[5], ARGV[2]) end
if ARGV[1] ~= 'save' then
  local v = redis.call('HGET', KEYS[3], ARGV[4])
  local til, id = '0', ''
  if v then til, id = string.match(v, '^(%d+) (.*)$') end
  if ARGV[1] == 'begin' then
    if id ~= '' and id ~= ARGV[2] and tonumber(til) > tonumber(ARGV[5]) then return id end
    redis.call('HSET', KEYS[3], ARGV[4], ARGV[6] .. ' ' .. ARGV[2])
    holder = ARGV[2]
  elseif id == ARGV[2] then
    redis.call('HDEL', KEYS[3], ARGV[4])
  else
    holder = id
  end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
if not redis.call('ZSCORE', KEYS[2], ARGV[2]) then
  local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] or '0'
  redis.call('ZADD', KEYS[2], string.format('%.0f', tonumber(last) + 1), ARGV[2])
  for _, old in ipairs(redis.call('ZREVRANGE', KEYS[2], tonumber(ARGV[7]), -1)) do
    redis.call('ZREM', KEYS[2], old)
    redis.call('HDEL', KEYS[1], old)
    redis.call('HDEL', KEYS[5], old)
  end
end
return holder
