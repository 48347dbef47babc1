-- What dispatchers share is of its kind again, if somebody else has written there: else nothing would work.
-- KEYS: counters: term, tick; leader, workers, asks, revoked. ARGV: what a counter begins with.
for n = 1, 2 do
  if redis.call('EXISTS', KEYS[n]) == 1 then
    local count = redis.call('TYPE', KEYS[n]).ok == 'string' and redis.call('GET', KEYS[n]) or ''
    -- 15 digits: no INCR overflows
    if not string.match(count, '^%d+$') or #count > 15 then
      redis.call('SET', KEYS[n], ARGV[1])
    end
  end
end
for n, kind in ipairs({'string', 'set', 'stream', 'stream'}) do
  local found = redis.call('TYPE', KEYS[n + 2]).ok
  if found ~= 'none' and found ~= kind then
    redis.call('DEL', KEYS[n + 2])
  end
end
return 1
