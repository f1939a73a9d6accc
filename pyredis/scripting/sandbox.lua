-- What scripts find in Lua: the globals of Redis 8.2 and nothing else, all of it read-only.
--
-- Plain Lua has no read-only tables. A script gets empty stand-ins instead, whose metatables lead to the tables behind
-- them and refuse writes; the functions that go around metatables (rawset, next, ...) are replaced by ones that know
-- the stand-ins. Errors of Redis's own commands are Python exceptions until a script or its end catches them.
-- What scripts compile is text: `chunk` is the only way to code. A killed script's error passes every catch (watch.lua).
--
-- This chunk is run once for each interpreter with the host's functions; it answers those the host calls. `parts` are
-- the sandbox's other files, `sources` the libraries written in Lua.

local host, sources, parts = ...
local as_function = python.as_function
local getinfo = debug.getinfo
local setmetatable, getmetatable, rawget, rawset, next, type = setmetatable, getmetatable, rawget, rawset, next, type
local pcall, xpcall, error, unpack, select, tostring = pcall, xpcall, error, unpack, select, tostring
local loadstring, load, setfenv, pairs, ipairs = loadstring, load, setfenv, pairs, ipairs
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local dump, gsub, sub, byte, concat, find = string.dump, string.gsub, string.sub, string.byte, table.concat, string.find

local READONLY = "Attempt to modify a readonly table"
local OWN = "=pyredis"

-- A function of the host's for scripts. Each argument of a call to Python is dearer than the one before, and near the most
-- that C may be handed the call fails; a table has neither fault.
local FEW = 40
local apply = as_function(host.apply)

local function adopted(f)
    local direct = as_function(f)
    return function(...)
        local count = select("#", ...)
        if count <= FEW then
            return direct(...)
        end
        return apply(f, count, { ... })
    end
end

local function part(name, ...)
    return assert(loadstring(parts[name], OWN))(...)
end

local watch = part("watch", host)
local caught, settled, translated, without_place = watch.caught, watch.settled, watch.translated, watch.without_place
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

local function nonexistent(name)
    name = gsub(tostring(name), "%z.*", "") -- where C's text ends
    error("Script attempted to access nonexistent global variable '" .. name .. "'", 3)
end

local function missing(_, name)
    nonexistent(name)
end

-- Libraries written in Lua are loaded when a script first looks at them. They know no catch that stops a kill.
local library_globals = {}
for name, value in pairs(_G) do
    library_globals[name] = value
end
library_globals._G, library_globals.xpcall, library_globals.coroutine, library_globals.load = nil, nil, nil, nil
library_globals.pcall = watch.pcall

local function load_source(name)
    local code = setfenv(assert(loadstring(sources[name], OWN)), library_globals)
    sources[name] = nil
    globals[name] = readonly(code(host, readonly))
    return globals[name]
end

local function global(_, name)
    if sources[name] ~= nil then
        return load_source(name)
    end
    nonexistent(name)
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

-- An error that a function of ours let Lua raise is the script's.
local function placed(e)
    if type(e) ~= "string" then
        return e
    end
    local bare = without_place(e)
    return bare == e and e or where() .. bare
end

local function handler(e)
    e = placed(translated(e))
    local info = frame(3)
    if watch.killed() then
        watch.ends()
        e = watch.KILLED
    elseif type(e) ~= "table" then
        e = { err = "ERR " .. tostring(e) }
    elseif shown[e] then -- Redis's handler stumbles over it and says so
        return { err = "ERR err_handler_def:10: " .. READONLY, source = "@err_handler_def", line = 10 }
    end
    e.source, e.line = info.source, info.currentline
    return e
end

-- Functions that would go around the stand-ins, or catch errors

local function settle(ok, ...)
    if ok then
        return ok, ...
    end
    local e = caught((...))
    if type(e) == "table" then
        local message = rawget(e, "err")
        if type(message) == "string" or type(message) == "number" then
            return false, message
        end
        return false, e, message -- as Redis leaves it on Lua's stack
    end
    return false, e
end

-- Errors that have no place in the script when C raises them.
local BARE = { "^not enough memory", "^attempt to ", "^C stack overflow", "^stack overflow", "^error in error handling" }

local function complain(message, name, method)
    if type(message) ~= "string" then
        error(message, 0)
    end
    for _, pattern in ipairs(BARE) do
        if find(message, pattern) then
            error(message, 0)
        end
    end
    local index, wanted = string.match(message, "^bad argument #(%d+) to '%?' (.*)$")
    if index and method and index == "1" then
        fail("calling '" .. name .. "' on bad self " .. wanted)
    elseif index then
        fail("bad argument #" .. (method and index - 1 or index) .. " to '" .. name .. "' " .. wanted)
    end
    fail((gsub(message, "'%?'", "'" .. name .. "'", 1)))
end

-- `f` of C's that calls nobody: its complaints name it and the script's line as if the script called it.
local function guarded(name, f, method)
    local function finish(ok, ...)
        if ok then
            return ...
        end
        complain(caught((...)), name, method)
    end
    return function(...)
        return finish(pcall(f, ...))
    end
end

-- One that changes its first argument.
local function changing(name, f)
    f = guarded(name, f)
    return function(...)
        if shown[(...)] then
            error(READONLY, 0)
        end
        return f(...)
    end
end

local function number(value)
    local kind = type(value)
    return kind == "number" and value or kind == "string" and tonumber(value) or nil
end

-- A number as C's int, or nil for what is none.
local function int(value)
    local got = number(value)
    if not got then
        return nil
    elseif got ~= got or got >= 2 ^ 63 or got < -2 ^ 63 then
        return 0
    end
    got = (got >= 0 and got - got % 1 or -(-got - -got % 1)) % 4294967296
    return got < 2147483648 and got or got - 4294967296
end

local kit = { host = host, watch = watch, guarded = guarded, fail = fail, shown = shown, number = number, int = int }

local function expect_table(t, name)
    if type(t) ~= "table" then
        fail("bad argument #1 to '" .. name .. "' (table expected, got " .. type(t) .. ")")
    end
end

local base = {}
for _, name in ipairs({
    "tostring", "assert", "tonumber", "rawequal", "type", "select", "gcinfo", "ipairs", "error", "_VERSION",
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
        if ok then
            return ok, ...
        end
        watch.breathe() -- the handler may hide that Lua's stack is full
        return ok, caught((...))
    end
    return settled(xpcall(f, function(e)
        e = translated(e)
        if watch.killed() then
            return e
        end
        return handle(placed(e))
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

base.rawset = changing("rawset", rawset)
base.setmetatable = changing("setmetatable", setmetatable)

local COMPILED_AT_ONCE = 16384

local function in_parts(code)
    local from = 1 - COMPILED_AT_ONCE
    return function()
        from = from + COMPILED_AT_ONCE
        watch.breathe()
        return from <= #code and sub(code, from, from + COMPILED_AT_ONCE - 1) or nil
    end
end

-- The only way from text to code whose globals are the script's. Lua would run bytecode unchecked: behind a blank it is
-- text. Lua's parser keeps no hold of the part of `name` that it uses, which ends at a zero byte: it is kept here.
local function chunk(code, name)
    local zero = find(name, "\0", 1, true)
    name = zero and sub(name, 1, zero - 1) or name
    if byte(code, 1) == 27 then
        code = " " .. code
    end
    local f, message
    if #code <= COMPILED_AT_ONCE then
        f, message = loadstring(code, name)
    else
        f, message = load(in_parts(code), name)
        if watch.killed() then
            error(watch.KILLED, 0)
        end
    end
    if not f then
        return nil, message
    elseif host.may_hide_lines(code) then
        f = loadstring(host.kept(dump(f)), name)
    end
    return setfenv(f, env)
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
    if name ~= nil and type(name) ~= "string" then
        name = number(name) and tostring(name) or fail("bad argument #2 to 'loadstring' (string expected, got " .. type(name) .. ")")
    end
    local f, message = chunk(code, name or code)
    if f then
        return f
    end
    return nil, message
end

function base.load(reader, name)
    if type(reader) ~= "function" then
        local got = reader == nil and "no value" or type(reader)
        fail("bad argument #1 to 'load' (function expected, got " .. got .. ")")
    end
    local texts, n = {}, 0
    while byte(texts[1] or "", 1) ~= 27 do
        local ok, text = settle(pcall(reader))
        if not ok then
            return nil, text
        elseif text == nil or text == "" then
            break
        elseif type(text) ~= "string" and type(text) ~= "number" then
            return nil, "reader function must return a string"
        end
        n = n + 1
        texts[n] = tostring(text)
    end
    return base.loadstring(kit.concat(texts), name or "=(load)")
end

-- Libraries

local function library(original)
    local copy = {}
    for name, value in pairs(original) do
        copy[name] = value
    end
    return copy
end

local coroutines = library(coroutine)
local checked_create, checked_wrap = guarded("create", create), guarded("wrap", create)
function coroutines.create(f)
    return watch.thread(checked_create(f))
end
function coroutines.resume(...)
    if type((...)) ~= "thread" then
        fail("bad argument #1 to 'resume' (coroutine expected)")
    end
    return settled(resume(...))
end
function coroutines.wrap(f)
    local thread = watch.thread(checked_wrap(f))
    local function settled(ok, ...)
        if ok then
            return ...
        end
        local e = caught((...))
        error(type(e) == "string" and where() .. e or e, 0)
    end
    return function(...)
        return settled(resume(thread, ...))
    end
end

local tables = part("tables", kit)
kit.concat = tables.concat
kit.patterns = part("patterns", kit)
local made_strings = part("strings", kit)
base.unpack, base.collectgarbage = kit.unpack, kit.collectgarbage
getmetatable("").__index = made_strings.methods

local maths = library(math)
maths.random, maths.randomseed = adopted(host.random), adopted(host.randomseed)

local redis = {}
for name, value in pairs(host.redis) do
    redis[name] = type(value) == "userdata" and adopted(value) or value
end

if redis.debug then
    redis.debug = function() end
end
if parts.debugger then
    local debugger = part("debugger", kit, chunk, globals)
    redis.debug, watch.on_line = debugger.debug, debugger.on_line
end

local strings = readonly(made_strings.functions)
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
        made[key] = type(value) == "userdata" and adopted(value) or value
    end
    globals[name] = readonly(made)
end
-- What the host calls

local replies = part("replies", kit)
local FAILED, DEEP = host.FAILED, host.DEEP
local DEEPEST_VALUE = 100 -- places on the stack (see replies): a reply up to that is a value, which the host encodes by calls
local UNPACKED_MAX = 64
local KILL_TEXT, TIMEOUT_TEXT = "ERR Script killed by user with SCRIPT KILL...", "ERR FUNCTION LOAD timeout"

local function failure(e)
    if watch.killed() then
        return FAILED, KILL_TEXT, watch.KILLED.source or "@" .. host.chunk, watch.KILLED.line
    elseif type(e) ~= "table" then
        return FAILED, e
    end
    return FAILED, rawget(e, "err"), rawget(e, "source"), rawget(e, "line"), rawget(e, "ignore_error_stats_update")
end

local function table_result(value)
    local line = rawget(value, "err")
    if type(line) == "string" and rawget(value, "ignore_error_stats_update") then
        return FAILED, line, nil, nil, true
    end
    local ok, out, n, deepest = pcall(replies.tokens, value)
    if not ok then
        if out == replies.DROPPED then
            return nil
        end
        return failure(out)
    elseif deepest > DEEPEST_VALUE then
        return DEEP, out
    elseif n < UNPACKED_MAX then
        return unpack(out, 1, n)
    end
    return out
end

local function result(ok, value)
    if not ok then
        return failure(value)
    end
    local kind = type(value)
    if kind == "table" then
        return table_result(value)
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
    if watch.killed() then
        return TIMEOUT_TEXT
    elseif not ok then
        return type(value) == "table" and value.err or value
    end
end

local function array(...)
    return { ... }
end

local function field(name, value)
    return { [name] = value }
end

return {
    run = run, run_tables = run_tables, run_function = run_function, load_library = load_library, compile = chunk,
    begin = watch.begin, array = array, field = field, beware = watch.beware, collect = collectgarbage, where = where, breathe = watch.breathe,
}
