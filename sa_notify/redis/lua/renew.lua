-- A worker lives; 0 when it had been taken for dead, and with it what it wants.
-- KEYS: workers, worker, then all else that it has. ARGV: id, what it is, ms to live.
if redis.call('EXISTS', KEYS[2]) == 0 then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
for n = 3, #KEYS do
  redis.call('PEXPIRE', KEYS[n], ARGV[3])
end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
