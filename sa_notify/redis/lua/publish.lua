-- Puts changes into the feeds of those who want them.
-- KEYS: term, workers. ARGV: own term, prefix, entries of a feed, then JSON of five lists: of each change the
-- number of its table, the key of its row or '', and where its JSON ends; of each changeset the head of its JSON
-- and the number of its last change; then the JSON of the changes, joined by commas, and the tables' names.
-- Returns how many are to be tallied.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
local prefix = ARGV[2]
local tables, keys, ends, heads, lasts = unpack(cjson.decode(ARGV[4]))
local json = ARGV[5]
local FIRST_NAME = 6
local untold = 0

-- of each table, how many of its changes there are, and which of them concern one row; asked for together, since
-- each call costs more than an answer
local counts, changed, rows = {}, {}, {}
for t = 1, #ARGV - FIRST_NAME + 1 do
  counts[t], changed[t], rows[t] = 0, {}, {}
end
for n, t in ipairs(tables) do
  counts[t] = counts[t] + 1
  if keys[n] ~= '' then
    local at = #rows[t] + 1
    changed[t][at], rows[t][at] = n, keys[n]
  end
end

-- marks the changes of a table whose rows are in the set; how many
local function shown(t, set, told)
  local found = 0
  -- unpack() takes some thousands at most
  for first = 1, #rows[t], 1000 do
    local last = math.min(first + 999, #rows[t])
    local answers = redis.call('SMISMEMBER', set, unpack(rows[t], first, last))
    for n, answer in ipairs(answers) do
      if answer == 1 then
        told[changed[t][first + n - 1]] = true
        found = found + 1
      end
    end
  end
  return found
end

-- marks what concerns the whole table; how many
local function of_all(t, told)
  local found = 0
  for n, of in ipairs(tables) do
    if of == t and keys[n] == '' then
      told[n] = true
      found = found + 1
    end
  end
  return found
end

-- the JSON of a changeset with what is told of it; nil for nothing
local function cut(head, first, last, whole, told)
  local parts, begin = {}, nil
  for n = first, last do
    if whole[tables[n]] or told[n] then
      begin = begin or (ends[n - 1] or -1) + 2
      if n == last then
        parts[#parts + 1] = string.sub(json, begin, ends[n])
      end
    elseif begin then
      parts[#parts + 1] = string.sub(json, begin, ends[n - 1])
      begin = nil
    end
  end
  return #parts > 0 and '{' .. head .. ',"changes":[' .. table.concat(parts, ',') .. ']}' or nil
end

local function feed(worker)
  -- by table: whether all of it is told; by change: whether it is; by name: how many are left out, for a tally
  local whole, told, left = {}, {}, {}
  local some = false
  for t, count in ipairs(counts) do
    local name = ARGV[FIRST_NAME + t - 1]
    local found = 0
    if redis.call('SISMEMBER', prefix .. 'want:' .. worker, name) == 1 then
      whole[t], found = true, count
    else
      local set = prefix .. 'rows:' .. worker .. ':' .. name
      if redis.call('EXISTS', set) == 1 then
        found = shown(t, set, told)
        if #rows[t] < count then
          found = found + of_all(t, told)
        end
      end
      if found < count and redis.call('SISMEMBER', prefix .. 'tally:' .. worker, name) == 1 then
        left[name] = count - found
      end
    end
    some = some or found > 0
  end
  if some then
    local sets, first = {}, 1
    for n, last in ipairs(lasts) do
      sets[#sets + 1] = cut(heads[n], first, last, whole, told)
      first = last + 1
    end
    local number = redis.call('INCR', prefix .. 'told:' .. worker)
    redis.call('XADD', prefix .. 'feed:' .. worker, 'MAXLEN', '~', ARGV[3], '*',
      'n', number, 't', 'changes', 'd', '[' .. table.concat(sets, ',') .. ']')
  end
  for name, count in pairs(left) do
    redis.call('HINCRBY', prefix .. 'elsewhere:' .. worker, name, count)
    redis.call('EXPIRE', prefix .. 'elsewhere:' .. worker, 20)
    untold = untold + count
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
