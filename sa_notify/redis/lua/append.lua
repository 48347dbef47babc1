-- Appends entries to a stream for other services.
-- KEYS: term, stream. ARGV: own term, entries of the stream, then of each entry: type, JSON.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
for n = 3, #ARGV, 2 do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 't', ARGV[n], 'd', ARGV[n + 1])
end
return (#ARGV - 2) / 2
