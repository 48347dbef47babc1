-- A worker begins: nothing of an earlier life is left, and whatever is told from now on is in its feed.
-- KEYS: workers, worker, feed, told, then whatever else it may have. ARGV: id, what it is, ms to live, prefix.
for n = 3, #KEYS do
  redis.call('DEL', KEYS[n])
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
-- not empty, so that they expire with the worker whoever fills them
redis.call('XADD', KEYS[3], '*', 'n', 1, 't', 'hello', 'd', '{}')
redis.call('PEXPIRE', KEYS[3], ARGV[3])
redis.call('SET', KEYS[4], 1, 'PX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
-- where no dispatcher looks for the dead
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', ARGV[4] .. 'worker:' .. worker) == 0 then
    redis.call('SREM', KEYS[1], worker)
  end
end
return 1
