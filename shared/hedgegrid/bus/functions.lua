#!lua name=hedgegrid1
-- The only writers of money state. Every function checks its fence and all arguments before the first write: neither
-- MULTI nor Lua rolls back what was already written.
-- A lease is a hash: owner, epoch (rises with every change of owner, never reset), expires_ms (this server's clock).

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function holds(lease, owner, epoch)
  local got = redis.call('HMGET', lease, 'owner', 'epoch')
  return got[1] == owner and got[2] == epoch
end

-- KEYS lease  ARGV owner ttl_ms   → epoch when held by owner now, else 0
local function lease_acquire(keys, args)
  local lease, owner, ttl = keys[1], args[1], tonumber(args[2])
  local got = redis.call('HMGET', lease, 'owner', 'epoch', 'expires_ms')
  local alive = tonumber(got[3] or '0') > now_ms()
  if alive and got[1] ~= owner then return 0 end
  local epoch = tonumber(got[2] or '0')
  if not (alive and got[1] == owner) then epoch = epoch + 1 end
  redis.call('HSET', lease, 'owner', owner, 'epoch', epoch, 'expires_ms', now_ms() + ttl)
  return epoch
end

-- KEYS lease  ARGV owner epoch ttl_ms   → 1 renewed, 0 lost
local function lease_renew(keys, args)
  if not holds(keys[1], args[1], args[2]) then return 0 end
  redis.call('HSET', keys[1], 'expires_ms', now_ms() + tonumber(args[3]))
  return 1
end

-- KEYS lease  ARGV owner epoch   → 1 released, 0 was not ours any more
local function lease_release(keys, args)
  if not holds(keys[1], args[1], args[2]) then return 0 end
  redis.call('HSET', keys[1], 'owner', '', 'expires_ms', 0)
  return 1
end

local STREAM_OR_NONE = { stream = true, none = true }

-- KEYS lease state stream…  ARGV owner epoch expected_version commit_id n_put (field value)… n_drop field… (stream_no payload)…
-- → OK, ALREADY (this very commit is in), FENCED (another owner), CONFLICT (another version)
local function commit(keys, args)
  local lease, state = keys[1], keys[2]
  if not holds(lease, args[1], args[2]) then return 'FENCED' end
  local expected, commit_id = tonumber(args[3]), args[4]
  local got = redis.call('HMGET', state, 'version', 'commit_id')
  local version = tonumber(got[1] or '0')
  if version ~= expected then
    if version == expected + 1 and got[2] == commit_id then return 'ALREADY' end
    return 'CONFLICT'
  end
  for i = 3, #keys do
    if not STREAM_OR_NONE[redis.call('TYPE', keys[i]).ok] then
      return redis.error_reply('WRONGTYPE ' .. keys[i] .. ' is not a stream')
    end
  end
  local at = 5
  local put = { 'version', expected + 1, 'commit_id', commit_id }
  local n_put = tonumber(args[at])
  for i = at + 1, at + 2 * n_put do put[#put + 1] = args[i] end
  at = at + 2 * n_put + 1
  local drop = {}
  local n_drop = tonumber(args[at])
  for i = at + 1, at + n_drop do drop[#drop + 1] = args[i] end
  at = at + n_drop + 1
  for i = at, #args, 2 do
    if keys[2 + tonumber(args[i])] == nil or args[i + 1] == nil then
      return redis.error_reply('ERR stream ' .. args[i] .. ' has no key or no payload')
    end
  end

  redis.call('HSET', state, unpack(put))
  if #drop > 0 then redis.call('HDEL', state, unpack(drop)) end
  for i = at, #args, 2 do
    redis.call('XADD', keys[2 + tonumber(args[i])], '*', '__data__', args[i + 1])
  end
  return 'OK'
end

redis.register_function('hg1_lease_acquire', lease_acquire)
redis.register_function('hg1_lease_renew', lease_renew)
redis.register_function('hg1_lease_release', lease_release)
redis.register_function('hg1_commit', commit)
