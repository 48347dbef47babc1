-- All tables that some worker wants, whole or rows of them.
-- KEYS: workers. ARGV: prefix.
local found = {}

local function look(worker)
  for _, name in ipairs(redis.call('SMEMBERS', ARGV[1] .. 'want:' .. worker)) do
    found[name] = true
  end
  for _, name in ipairs(redis.call('SMEMBERS', ARGV[1] .. 'partly:' .. worker)) do
    found[name] = true
  end
end

for _, worker in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', ARGV[1] .. 'worker:' .. worker) == 1 then
    -- whatever else lies under its names keeps nobody's tables from being wanted
    pcall(look, worker)
  end
end
local names = {}
for name in pairs(found) do
  names[#names + 1] = name
end
return names
