-- The last key is that of the schema, the last argument is the one that the caller knows.
do
  local want, have = table.remove(ARGV), redis.call('HGET', table.remove(KEYS), 'schema') or ''
  if have ~= want then return redis.error_reply('SCHEMA ' .. have) end
end
