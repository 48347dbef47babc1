-- Tells workers of which tables other rows than theirs have changed, and how often.
-- KEYS: term, workers. ARGV: own term, prefix, entries of a feed.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
local prefix = ARGV[2]

local function tell(worker)
  local found = redis.call('HGETALL', prefix .. 'elsewhere:' .. worker)
  if #found == 0 then
    return
  end
  local counts = {}
  for n = 1, #found, 2 do
    counts[found[n]] = tonumber(found[n + 1])
  end
  redis.call('DEL', prefix .. 'elsewhere:' .. worker)
  local number = redis.call('INCR', prefix .. 'told:' .. worker)
  redis.call('XADD', prefix .. 'feed:' .. worker, 'MAXLEN', '~', ARGV[3], '*',
    'n', number, 't', 'tally', 'd', cjson.encode(counts))
end

for _, worker in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  -- one whose names hold something else can't be told; it must not keep others from being told. What was evicted
  -- would come back without an end.
  local own = {prefix .. 'worker:' .. worker, prefix .. 'feed:' .. worker, prefix .. 'told:' .. worker}
  if redis.call('EXISTS', unpack(own)) < 3 or not pcall(tell, worker) then
    redis.call('SREM', KEYS[2], worker)
  end
end
return 1
