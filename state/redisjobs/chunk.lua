-- What becomes of a chunk of a scan. KEYS: run, states, seen, out. ARGV: verb, chunk, token, ms to hold it, ms that all is kept, and for
-- put: its number, what becomes of the chunk ('' it is held on, free, done, cut), what was seen, the servers of it.
-- The state of a chunk is 'done', 'cut' or 'token until takes puts'.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local run = redis.call('HMGET', KEYS[1], 'deadline', 'end')
if not run[1] then return {'gone'} end
local left = tonumber(run[1]) - now
local v = redis.call('HGET', KEYS[2], ARGV[2])
if v == 'done' or v == 'cut' then return {'done'} end
local token, til, takes, puts = '-', 0, 0, 0
if v then
  token, til, takes, puts = string.match(v, '^(%S+) (%d+) (%d+) (%d+)$')
end
local function keep(who, to)
  redis.call('HSET', KEYS[2], ARGV[2], table.concat({who, string.format('%.0f', to), takes, puts}, ' '))
  for _, k in ipairs(KEYS) do redis.call('PEXPIRE', k, ARGV[5]) end
end
if ARGV[1] == 'take' then
  if run[2] or left <= 0 then return {'ended'} end
  if token ~= ARGV[3] then
    if tonumber(til) > now then return {'busy'} end
    takes, puts = string.format('%.0f', tonumber(takes) + 1), '0'
  end
  keep(ARGV[3], now + tonumber(ARGV[4]))
  return {'ok', string.format('%.0f', left)}
end
if token ~= ARGV[3] then return {'lost'} end
if ARGV[8] ~= '' and tonumber(ARGV[6]) > tonumber(puts) then
  redis.call('RPUSH', KEYS[4], ARGV[8])
  redis.call('SADD', KEYS[3], unpack(ARGV, 9))
end
puts = ARGV[6]
if ARGV[7] == '' then
  keep(token, now + tonumber(ARGV[4]))
elseif ARGV[7] == 'free' then
  keep('-', 0)
else
  keep(token, 0)
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[7])
  redis.call('HINCRBY', KEYS[1], ARGV[7], 1)
end
if run[2] or left <= 0 then return {'ended'} end
return {'ok'}
