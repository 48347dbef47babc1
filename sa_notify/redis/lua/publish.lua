-- Puts changes into the feeds of those who want them.
-- KEYS: term, workers. ARGV: own term, prefix, entries of a feed, then for each changeset: the head of its
-- JSON, how many changes, and of each change: table, key of the row or '', JSON.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED')
end
local prefix = ARGV[2]
local fed = 0
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if redis.call('EXISTS', prefix .. 'worker:' .. worker) == 0 then
    redis.call('SREM', KEYS[2], worker)
  else
    -- of each table: 2 all of it, 1 some rows, 0 nothing
    local wants = {}
    local sets = {}
    local at = 4
    while at <= #ARGV do
      local head, count = ARGV[at], tonumber(ARGV[at + 1])
      local items = {}
      for n = at + 2, at + 1 + count * 3, 3 do
        local name, row = ARGV[n], ARGV[n + 1]
        local want = wants[name]
        if want == nil then
          want = redis.call('SISMEMBER', prefix .. 'want:' .. worker, name) * 2
          if want == 0 then
            want = redis.call('EXISTS', prefix .. 'rows:' .. worker .. ':' .. name)
          end
          wants[name] = want
        end
        if want == 2 or want == 1 and (row == ''
            or redis.call('SISMEMBER', prefix .. 'rows:' .. worker .. ':' .. name, row) == 1) then
          items[#items + 1] = ARGV[n + 2]
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
      fed = fed + 1
    end
  end
end
return fed
