-- Members for a set of a worker's; 0 when the worker had been taken for dead.
-- KEYS: worker, set. ARGV: ms to live, 'only' these or these 'also', members.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
if ARGV[2] == 'only' then
  redis.call('DEL', KEYS[2])
end
-- unpack() takes some thousands at most
for n = 3, #ARGV, 1000 do
  redis.call('SADD', KEYS[2], unpack(ARGV, n, math.min(n + 999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
