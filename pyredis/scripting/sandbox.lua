-- What scripts find in Lua: the globals of Redis 8.2 and nothing else, all of it read-only.
--
-- Plain Lua has no read-only tables. A script gets empty stand-ins instead, whose metatables lead to the tables behind
-- them and refuse writes; the functions that go around metatables (rawset, next, ...) are replaced by ones that know
-- the stand-ins. Errors of Redis's own commands are Python exceptions until a script or its end catches them: `plain`
-- makes them the tables that Redis has. A killed script's error passes every catch.
--
-- This chunk is run once for each interpreter with the host's functions; it answers those the host calls.

local host, sources = ...
local as_function = python.as_function
local getinfo, sethook = debug.getinfo, debug.sethook
local setmetatable, getmetatable, rawget, rawset, next, type = setmetatable, getmetatable, rawget, rawset, next, type
local pcall, xpcall, error, unpack, select, tostring = pcall, xpcall, error, unpack, select, tostring
local loadstring, setfenv, pairs, ipairs = loadstring, setfenv, pairs, ipairs
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local gsub, sub, concat, find = string.gsub, string.sub, table.concat, string.find

local READONLY = "Attempt to modify a readonly table"
local OWN = "=pyredis"
local globals, env = {}, {}
local shown = { [env] = globals }

local function refuse()
    error(READONLY, 2)
end

local function readonly(behind)
    local standin = setmetatable({}, { __index = behind, __newindex = refuse })
    shown[standin] = behind
    return standin
end

local function missing(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

-- Libraries written in Lua are loaded when a script first looks at them.
local function load_source(name)
    local source = sources[name]
    sources[name] = nil
    globals[name] = readonly(assert(loadstring(source, OWN))(host, readonly))
    return globals[name]
end

local function global(_, name)
    if sources[name] ~= nil then
        return load_source(name)
    end
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

local function load_sources(t)
    if shown[t] == globals then
        for name in pairs(sources) do
            load_source(name)
        end
    end
end

setmetatable(globals, { __index = global })
local env_behind = { __index = globals, __newindex = refuse }
setmetatable(env, env_behind)
local env_meta = readonly({ __index = missing })

-- Errors

local describe, is_kill = as_function(host.describe), as_function(host.is_kill)

local function plain(e)
    if type(e) == "userdata" then
        if is_kill(e) then
            error(e, 0)
        end
        local line, counted = describe(e)
        if line then
            return { err = line, ignore_error_stats_update = counted }
        end
    end
    return e
end

-- Where the script is: the innermost frame that is neither Lua's own nor ours.
local function frame(level)
    local info = getinfo(level, "Sl")
    while info do
        if info.what ~= "C" and info.what ~= "tail" and info.source ~= OWN then
            return info
        end
        level = level + 1
        info = getinfo(level, "Sl")
    end
    return { source = "@" .. host.chunk, short_src = host.chunk, currentline = 1 } -- a tail call has replaced it
end

local function where()
    local info = frame(3)
    return info.short_src .. ":" .. info.currentline .. ": "
end
host.where = where

local function fail(message)
    error(where() .. message, 0)
end
host.fail = fail

local function handler(e)
    if type(e) == "userdata" then
        local line, counted = describe(e)
        e = line and { err = line, ignore_error_stats_update = counted } or e
    end
    if type(e) ~= "table" then
        e = { err = "ERR " .. tostring(e) }
    end
    local info = frame(3)
    e.source, e.line = info.source, info.currentline
    return e
end

-- Functions that would go around the stand-ins, or catch errors

local function settle(ok, ...)
    if ok then
        return ok, ...
    end
    local e = plain((...))
    if type(e) == "table" then
        local message = e.err
        if type(message) == "string" or type(message) == "number" then
            return false, message
        end
        return false, e, message -- as Redis leaves it on Lua's stack
    end
    return false, e
end

-- `call` of a C function: its complaints about arguments name it and the script's line as if the script called it.
local function guarded(name, f)
    local function finish(ok, ...)
        if ok then
            return ...
        end
        local message = ...
        if type(message) == "string" then
            message = gsub(message, "'%?'", "'" .. name .. "'", 1)
            if find(message, "^bad argument") or find(message, "^wrong number") then
                fail(message)
            end
        end
        error(message, 0)
    end
    return function(t, ...)
        if shown[t] then
            error(READONLY, 0)
        end
        return finish(pcall(f, t, ...))
    end
end

local function expect_table(t, name)
    if type(t) ~= "table" then
        fail("bad argument #1 to '" .. name .. "' (table expected, got " .. type(t) .. ")")
    end
end

local base = {}
for _, name in ipairs({
    "tostring", "assert", "tonumber", "rawequal", "collectgarbage", "type", "select", "unpack", "gcinfo", "ipairs",
    "error", "_VERSION",
}) do
    base[name] = _G[name]
end

function base.pcall(...)
    if select("#", ...) == 0 then
        return false, "attempt to call a boolean value"
    end
    return settle(pcall(...))
end

function base.xpcall(f, handle)
    local function settled(ok, ...)
        if not ok then
            plain((...))
        end
        return ok, ...
    end
    return settled(xpcall(f, function(e)
        if type(e) == "userdata" and is_kill(e) then
            return e
        end
        return handle(plain(e))
    end))
end

function base.rawget(t, key)
    expect_table(t, "rawget")
    load_sources(t)
    return rawget(shown[t] or t, key)
end

function base.next(t, key)
    expect_table(t, "next")
    load_sources(t)
    return next(shown[t] or t, key)
end

function base.pairs(t)
    expect_table(t, "pairs")
    if shown[t] then
        return base.next, t, nil
    end
    return next, t, nil
end

base.rawset = guarded("rawset", rawset)
base.setmetatable = guarded("setmetatable", setmetatable)

-- A compiled chunk whose globals are the script's.
local function confined(f, ...)
    if f then
        setfenv(f, env)
    end
    return f, ...
end

local string_meta
function base.getmetatable(...)
    local value = ...
    if shown[value] then
        return value == env and env_meta or nil
    end
    if type(value) == "string" then
        return string_meta
    elseif type(value) == "userdata" then
        return nil -- cjson.null, which all scripts share
    end
    return getmetatable(...)
end

function base.loadstring(code, name)
    if type(code) == "number" then
        code = tostring(code)
    elseif type(code) ~= "string" then
        local got = code == nil and "no value" or type(code)
        fail("bad argument #1 to 'loadstring' (string expected, got " .. got .. ")")
    end
    if sub(code, 1, 1) == "\27" then
        return nil, (name or gsub(code, "^[^\n]*", "?")) .. ": bad header in precompiled chunk"
    end
    return confined(loadstring(code, name or code))
end

function base.load(reader, name)
    local parts = {}
    while true do
        local ok, part = settle(pcall(reader))
        if not ok then
            return nil, part
        elseif part == nil or part == "" then
            break
        elseif type(part) ~= "string" and type(part) ~= "number" then
            return nil, "reader function must return a string"
        end
        parts[#parts + 1] = part
    end
    return base.loadstring(concat(parts), name or "=(load)")
end

-- Libraries

local function library(original)
    local copy = {}
    for name, value in pairs(original) do
        copy[name] = value
    end
    return copy
end

-- The count hook calls the host, which ends or suspends a script that runs too long; each coroutine needs its own.
local function watched(thread)
    sethook(thread, as_function(host.hook), "", host.hook_instructions)
    return thread
end
sethook(as_function(host.hook), "", host.hook_instructions)

local coroutines = library(coroutine)
function coroutines.create(f)
    return watched(create(f))
end
function coroutines.resume(...)
    local function settled(ok, ...)
        if ok then
            return ok, ...
        end
        return false, plain((...))
    end
    return settled(resume(...))
end
function coroutines.wrap(f)
    local thread = watched(create(f))
    local function settled(ok, ...)
        if ok then
            return ...
        end
        local e = plain((...))
        error(type(e) == "string" and where() .. e or e, 0)
    end
    return function(...)
        return settled(resume(thread, ...))
    end
end

local tables = library(table)
tables.insert = guarded("insert", table.insert)

local maths = library(math)
maths.random, maths.randomseed = as_function(host.random), as_function(host.randomseed)

local redis = {}
for name, value in pairs(host.redis) do
    redis[name] = type(value) == "userdata" and as_function(value) or value
end

local strings = readonly(library(string))
string_meta = readonly({ __index = strings })

for name, value in pairs(base) do
    globals[name] = value
end
globals._G = env
globals.string = strings
globals.table = readonly(tables)
globals.math = readonly(maths)
globals.coroutine = readonly(coroutines)
globals.os = readonly({ clock = os.clock })
globals.redis = readonly(redis)
globals.__redis__err__handler = handler
for name, functions in pairs(host.libraries) do
    -- Written in Python: (None, message) is an error
    local made = {}
    for key, value in pairs(functions) do
        made[key] = type(value) == "userdata" and as_function(value) or value
    end
    globals[name] = readonly(made)
end
-- What the host calls

local ARRAY, MAP, SET, STATUS, ERROR = host.ARRAY, host.MAP, host.SET, host.STATUS, host.ERROR
local DOUBLE, BIG, VERBATIM, NULL, FAILED = host.DOUBLE, host.BIG, host.VERBATIM, host.NULL, host.FAILED
local DEEPEST = host.deepest

local flatten

-- Append the tokens of one value to `out`, which has n; answers how many it has then.
local function token(value, out, n, depth)
    local kind = type(value)
    if kind == "table" then
        return flatten(value, out, n, depth)
    elseif kind == "string" or kind == "number" or kind == "boolean" then
        out[n + 1] = value
    else
        out[n + 1] = NULL
    end
    return n + 1
end

local function members(t, out, n, depth, mark, with_values)
    local count, at = 0, n + 1
    out[at] = mark
    n = n + 2
    for key, value in next, t do
        n = token(key, out, n, depth + 1)
        if with_values then
            n = token(value, out, n, depth + 1)
        end
        count = count + 1
    end
    out[at + 1] = count
    return n
end

function flatten(t, out, n, depth)
    t = shown[t] or t
    if depth > DEEPEST then
        out[n + 1], out[n + 2] = ERROR, "ERR reached lua stack limit"
        return n + 2
    end
    local field = rawget(t, "err")
    if type(field) == "string" then
        out[n + 1], out[n + 2] = ERROR, field
        return n + 2
    end
    field = rawget(t, "ok")
    if type(field) == "string" then
        out[n + 1], out[n + 2] = STATUS, field
        return n + 2
    end
    field = rawget(t, "double")
    if type(field) == "number" then
        out[n + 1], out[n + 2] = DOUBLE, field
        return n + 2
    end
    field = rawget(t, "big_number")
    if type(field) == "string" then
        out[n + 1], out[n + 2] = BIG, field
        return n + 2
    end
    field = rawget(t, "verbatim_string")
    if type(field) == "table" then
        local format, text = rawget(field, "format"), rawget(field, "string")
        if type(format) == "string" and type(text) == "string" then
            out[n + 1], out[n + 2], out[n + 3] = VERBATIM, format, text
            return n + 3
        end
    end
    field = rawget(t, "map")
    if type(field) == "table" then
        return members(field, out, n, depth, MAP, true)
    end
    field = rawget(t, "set")
    if type(field) == "table" then
        return members(field, out, n, depth, SET, false)
    end
    local at, count = n + 1, 0
    out[at] = ARRAY
    n = n + 2
    local value = rawget(t, 1)
    while value ~= nil do
        n = token(value, out, n, depth + 1)
        count = count + 1
        value = rawget(t, count + 1)
    end
    out[at + 1] = count
    return n
end

local function result(ok, value)
    if not ok then
        if type(value) ~= "table" then
            return FAILED, value
        end
        return FAILED, value.err, value.source, value.line, value.ignore_error_stats_update
    end
    local kind = type(value)
    if kind == "table" then
        local line = rawget(value, "err")
        if type(line) == "string" and rawget(value, "ignore_error_stats_update") then
            return FAILED, line, nil, nil, true
        end
        local out = {}
        local n = flatten(value, out, 0, 0)
        if n < 4000 then
            return unpack(out, 1, n)
        end
        return out
    elseif kind == "string" or kind == "number" or kind == "boolean" then
        return value
    end
    return nil
end

local function run(f, count, ...)
    local argv = { ... }
    if count == 0 then
        globals.KEYS, globals.ARGV = {}, argv
    elseif count == #argv then
        globals.KEYS, globals.ARGV = argv, {}
    else
        globals.KEYS, globals.ARGV = { unpack(argv, 1, count) }, { unpack(argv, count + 1) }
    end
    return result(xpcall(f, handler))
end

local function run_tables(f, keys, argv)
    globals.KEYS, globals.ARGV = keys, argv
    return result(xpcall(f, handler))
end

local function run_function(f, keys, argv)
    return result(xpcall(function()
        return f(keys, argv)
    end, handler))
end

local function compile(code, name)
    return confined(loadstring(code, name))
end

-- A library's code finds only what registers its functions.
local loading = setmetatable({}, { __index = missing })
if redis.register_function then
    local api = {}
    for name, value in pairs(redis) do
        if find(name, "^[Ll][Oo][Gg]") or find(name, "^REDIS_") or name == "register_function" then
            api[name] = value
        end
    end
    loading.redis = readonly(setmetatable(api, { __index = missing }))
    redis.register_function = nil
end

local function load_library(f)
    env_behind.__index = loading
    local ok, value = xpcall(f, handler)
    env_behind.__index = globals
    if not ok then
        return type(value) == "table" and value.err or value
    end
end

local function array(...)
    return { ... }
end

local function field(name, value)
    return { [name] = value }
end

return { run = run, run_tables = run_tables, run_function = run_function, load_library = load_library, compile = compile, array = array,
    field = field, collect = collectgarbage, where = where, globals = globals, shown = shown, readonly = readonly, env = env,
    result = result, handler = handler, xpcall = xpcall }
