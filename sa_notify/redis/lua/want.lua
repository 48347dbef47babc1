-- Members for a set of a worker's; 0 when the worker had been taken for dead.
-- KEYS: worker, set. ARGV: ms to live, these 'also' or these no more ('less'), members.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local change = ARGV[2] == 'less' and 'SREM' or 'SADD'
-- unpack() takes some thousands at most
for n = 3, #ARGV, 1000 do
  redis.call(change, KEYS[2], unpack(ARGV, n, math.min(n + 999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
