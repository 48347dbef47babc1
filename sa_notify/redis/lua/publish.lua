-- Puts changes into the feeds of those who want them.
-- KEYS: term, workers. ARGV: own term, prefix, entries of a feed, then for each changeset: the head of its
-- JSON, how many changes, and of each change: table, key of the row or '', JSON. Returns how many are to be
-- tallied.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
local prefix = ARGV[2]
local untold = 0

-- of each table, the rows that changed; asked for together, since each call costs more than an answer
local changed = {}
local at = 4
while at <= #ARGV do
  local count = tonumber(ARGV[at + 1])
  for n = at + 2, at + 1 + count * 3, 3 do
    local name, row = ARGV[n], ARGV[n + 1]
    if row ~= '' then
      local rows = changed[name] or {}
      rows[#rows + 1] = row
      changed[name] = rows
    end
  end
  at = at + 2 + count * 3
end

local function shown(name, set)
  local found = {}
  local rows = changed[name] or {}
  -- unpack() takes some thousands at most
  for first = 1, #rows, 1000 do
    local last = math.min(first + 999, #rows)
    local answers = redis.call('SMISMEMBER', set, unpack(rows, first, last))
    for n, answer in ipairs(answers) do
      found[rows[first + n - 1]] = answer == 1
    end
  end
  return found
end

local function feed(worker)
  -- of each table: true for all of it, false for nothing, else the rows; and, where a tally is wanted, how many
  -- changes are left out
  local wants = {}
  local left = {}
  local sets = {}
  at = 4
  while at <= #ARGV do
    local head, count = ARGV[at], tonumber(ARGV[at + 1])
    local items = {}
    for n = at + 2, at + 1 + count * 3, 3 do
      local name, row = ARGV[n], ARGV[n + 1]
      local want = wants[name]
      if want == nil then
        want = redis.call('SISMEMBER', prefix .. 'want:' .. worker, name) == 1
        local set = prefix .. 'rows:' .. worker .. ':' .. name
        if not want and redis.call('EXISTS', set) == 1 then
          want = shown(name, set)
        end
        if want ~= true and redis.call('SISMEMBER', prefix .. 'tally:' .. worker, name) == 1 then
          left[name] = 0
        end
        wants[name] = want
      end
      if want == true or want and (row == '' or want[row]) then
        items[#items + 1] = ARGV[n + 2]
      elseif left[name] then
        left[name] = left[name] + 1
      end
    end
    if #items > 0 then
      sets[#sets + 1] = '{' .. head .. ',"changes":[' .. table.concat(items, ',') .. ']}'
    end
    at = at + 2 + count * 3
  end
  if #sets > 0 then
    local number = redis.call('INCR', prefix .. 'told:' .. worker)
    redis.call('XADD', prefix .. 'feed:' .. worker, 'MAXLEN', '~', ARGV[3], '*',
      'n', number, 't', 'changes', 'd', '[' .. table.concat(sets, ',') .. ']')
  end
  for name, count in pairs(left) do
    if count > 0 then
      redis.call('HINCRBY', prefix .. 'elsewhere:' .. worker, name, count)
      redis.call('EXPIRE', prefix .. 'elsewhere:' .. worker, 20)
      untold = untold + count
    end
  end
end

for _, worker in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  -- one whose names hold something else can't be told; it must not keep others from being told. What was evicted
  -- would come back without an end.
  local own = {prefix .. 'worker:' .. worker, prefix .. 'feed:' .. worker, prefix .. 'told:' .. worker}
  if redis.call('EXISTS', unpack(own)) < 3 or not pcall(feed, worker) then
    redis.call('SREM', KEYS[2], worker)
  end
end
return untold
