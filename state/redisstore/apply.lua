-- Runs a program: ARGV is the number of checks, the checks (kind, key, field, wanted) and then the operations
-- (name, key, number of arguments, arguments). Keys are given by their place in KEYS. All checks come before the first
-- write. Answers {'ok', audit sequence} or {'no', number of the check, what was found}.
local call = redis.call
local seq, segment = '0', 0
local i = 2
for c = 1, tonumber(ARGV[1]) do
  local kind, key, field, want = ARGV[i], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2], ARGV[i + 3]
  local got, good
  if kind == 'is' then
    got = call('HGET', key, field) or ''
    good = got == want
  elseif kind == 'room' then
    got = call('ZCARD', key)
    good = got < tonumber(want)
  else -- 'segment': the next audit entry goes into the wanted segment or the one behind it
    local last = tonumber(call('GET', key) or '0')
    got = string.format('%.0f', last)
    seq = string.format('%.0f', last + 1)
    segment = (last - last % tonumber(field)) / tonumber(field)
    good = segment == tonumber(want) or segment == tonumber(want) + 1
  end
  if not good then return {'no', tostring(c), tostring(got)} end
  i = i + 4
end

local function letter(key, a)
  local id, place, due = ARGV[a + 7], ARGV[a + 9], tonumber(ARGV[a + 10])
  local k = function(n) return KEYS[tonumber(ARGV[a + n])] end
  if call('HEXISTS', key, id) == 1 or call('HEXISTS', k(0), id) == 1 or call('HEXISTS', k(5), id) == 1 then return end
  local n = string.format('%012d', call('INCR', k(6)))
  local head = call('ZRANGE', k(2), 0, 0, 'WITHSCORES')
  if head[1] then -- nothing goes before what is being delivered or was held back
    local claims = string.match(call('HGET', k(3), string.sub(head[1], 13)) or '', '^%d+ %d+ %d+ %d+ (%d+)')
    if claims and claims ~= '0' then due = math.max(due, tonumber(head[2])) end
  end
  local score = string.format('%.0f', due)
  call('HSET', key, id, ARGV[a + 8])
  call('HSET', k(3), id, score .. ' ' .. n .. ' 0 0 0 - ')
  call('ZADD', k(4), ARGV[a + 11], id)
  call('ZADD', k(2), score, n .. id)
  if call('ZRANGE', k(2), 0, 0)[1] == n .. id then call('ZADD', k(1), score, place) end
end

local function accept(key, a)
  local k = function(n) return KEYS[tonumber(ARGV[a + n])] end
  local id, at, nonce = ARGV[a + 4], ARGV[a + 6], ARGV[a + 7]
  if call('HEXISTS', k(0), id) == 1 then return end
  local n = call('INCR', k(3))
  call('HSET', k(0), id, at .. ' ' .. nonce)
  call('HSET', key, id, ARGV[a + 5])
  call('HSET', k(2), id, at .. ' 0 -')
  call('ZADD', k(1), n, id)
end

local function history(key, a)
  local all, list = call('HGETALL', KEYS[tonumber(ARGV[a])]), {}
  for j = 1, #all, 2 do list[#list + 1] = all[j] .. '=' .. all[j + 1] end
  table.sort(list)
  call('HSET', key, ARGV[a + 1], table.concat(list, ';'))
end

while i <= #ARGV do
  local op, key, n = ARGV[i], KEYS[tonumber(ARGV[i + 1])], tonumber(ARGV[i + 2])
  local a, z = i + 3, i + 2 + n
  if op == 'count' then
    for j = a, z, 2 do
      if call('HINCRBY', key, ARGV[j], ARGV[j + 1]) == 0 then call('HDEL', key, ARGV[j]) end
    end
  elseif op == 'drop' then -- members of a zset, and with the last one its entry in another
    call('ZREM', key, unpack(ARGV, a + 2, z))
    if call('EXISTS', key) == 0 then call('ZREM', KEYS[tonumber(ARGV[a])], ARGV[a + 1]) end
  elseif op == 'letter' then
    letter(key, a)
  elseif op == 'accept' then
    accept(key, a)
  elseif op == 'history' then
    history(key, a)
  elseif op == 'trail' then
    for j = a, z do
      local v = call('HGET', key, ARGV[j])
      v = v and (v .. ' ' .. seq) or seq
      if #v > 640 then v = string.match(string.sub(v, -600), ' (.*)$') end
      call('HSET', key, ARGV[j], v)
    end
  elseif op == 'audit' then
    local list = segment == tonumber(ARGV[a + 2]) and ARGV[a] or ARGV[a + 1]
    call('SET', key, seq)
    call('RPUSH', KEYS[tonumber(list)], ARGV[a + 3])
  elseif op == 'mark' then
    call('HSET', key, ARGV[a], seq .. ' ' .. ARGV[a + 1])
  else
    call(op, key, unpack(ARGV, a, z))
  end
  i = z + 1
end
return {'ok', seq}
