-- All tables that some worker wants: whole, rows of them, or tallies.
-- KEYS: workers. ARGV: prefix.
local found = {}

local function look(worker)
  for _, set in ipairs({'want:', 'partly:', 'tally:'}) do
    for _, name in ipairs(redis.call('SMEMBERS', ARGV[1] .. set .. worker)) do
      found[name] = true
    end
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
