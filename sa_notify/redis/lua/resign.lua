-- The dispatcher that led says that it leads no longer, unless another does.
-- KEYS: term, leader. ARGV: own term.
if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
return 1
