-- Takes a request: one whose lease is over, else the oldest that waits. KEYS: queue, leased, jobs, leases, bodies.
-- ARGV: now, until, holder, nonce, whether this was tried before. Answers {id, body, attempt, accepted} or nothing.
local id
if ARGV[5] == '1' then -- the reply of the first try may have been lost
  for _, leased in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local at, attempt, nonce = string.match(redis.call('HGET', KEYS[3], leased), '^(%d+) (%d+) (%S+)$')
    if nonce == ARGV[4] then return {leased, redis.call('HGET', KEYS[5], leased), attempt, at} end
  end
end
id = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 1)[1] or redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if not id then return {} end
local at, attempt = string.match(redis.call('HGET', KEYS[3], id), '^(%d+) (%d+) ')
attempt = string.format('%.0f', tonumber(attempt) + 1)
redis.call('HSET', KEYS[3], id, at .. ' ' .. attempt .. ' ' .. ARGV[4])
redis.call('HSET', KEYS[4], id, attempt .. ' ' .. ARGV[3])
redis.call('ZREM', KEYS[1], id)
redis.call('ZADD', KEYS[2], ARGV[2], id)
return {id, redis.call('HGET', KEYS[5], id), attempt, at}
