-- The dispatcher that leads says so, for some time.
-- KEYS: term, leader. ARGV: own term, what it says, ms.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
