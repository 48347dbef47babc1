-- Puts one entry into the feed of each worker named, or of all.
-- KEYS: term, workers. ARGV: own term or '' for whoever may, prefix, entries of a feed, type, JSON, workers.
if ARGV[1] ~= '' and (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
local prefix = ARGV[2]
local workers = {}
for n = 6, #ARGV do
  workers[#workers + 1] = ARGV[n]
end
if #workers == 0 then
  workers = redis.call('SMEMBERS', KEYS[2])
end
local told = 0

local function tell(worker)
  local number = redis.call('INCR', prefix .. 'told:' .. worker)
  redis.call('XADD', prefix .. 'feed:' .. worker, 'MAXLEN', '~', ARGV[3], '*',
    'n', number, 't', ARGV[4], 'd', ARGV[5])
  told = told + 1
end

for _, worker in ipairs(workers) do
  -- one whose names hold something else can't be told; it must not keep others from being told. What was evicted
  -- would come back without an end.
  local own = {prefix .. 'worker:' .. worker, prefix .. 'feed:' .. worker, prefix .. 'told:' .. worker}
  if redis.call('EXISTS', unpack(own)) < 3 or not pcall(tell, worker) then
    redis.call('SREM', KEYS[2], worker)
  end
end
return told
