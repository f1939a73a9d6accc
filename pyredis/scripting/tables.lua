-- Lua's `table` and other functions of C that could run for long in one call, or read beside what they were given.
--
-- What is large is done in Lua, where the script can be stopped, or in parts.

local kit = ...
local watch, guarded, fail, shown, int = kit.watch, kit.guarded, kit.fail, kit.shown, kit.int
local breathe, caught = watch.breathe, watch.caught
local type, select, next, rawget, rawset, pcall, error = type, select, next, rawget, rawset, pcall, error
local unpack, concat, insert, remove, sort = unpack, table.concat, table.insert, table.remove, table.sort
local collect, getinfo, min = collectgarbage, debug.getinfo, math.min

local LARGE = 1000 -- elements that C may move or compare in one call
local JOINED = 10000
local STEP_KB = 1024

local READONLY = "Attempt to modify a readonly table"
local tables = {}
for name, value in next, table do
    tables[name] = value
end

-- unpack

local checked_unpack = guarded("unpack", unpack)

function kit.unpack(...)
    local t, first, last = ...
    if type(t) == "table" and select("#", ...) == 1 and #t < 7000 then
        return unpack(t)
    end
    if type(t) == "table" then
        first, last = first == nil and 1 or int(first), last == nil and #t or int(last)
        if first and last and last - first >= 7999 then
            fail("too many results to unpack")
        end
    end
    return checked_unpack(...)
end

-- collectgarbage: in steps, and without settings that would outlive the script.

local pause, multiplier = 200, 200
local checked_collect = guarded("collectgarbage", collect)

local function cycle()
    while not collect("step", STEP_KB) do
        breathe()
    end
end

function kit.collectgarbage(...)
    local option, value = ...
    if option == nil or option == "collect" then
        cycle() -- the one that was under way
        cycle()
        return 0
    elseif option == "stop" or option == "restart" then
        return 0
    elseif option == "step" and (value == nil or int(value)) then
        local size = value and int(value) or 0
        return collect("step", size > 0 and min(size, STEP_KB) or 0)
    elseif option == "setpause" and (value == nil or int(value)) then
        local before = pause
        pause = value and int(value) or 0
        return before
    elseif option == "setstepmul" and (value == nil or int(value)) then
        local before = multiplier
        multiplier = value and int(value) or 0
        return before
    end
    return checked_collect(...)
end

-- table

local checked_insert, checked_remove = guarded("insert", insert), guarded("remove", remove)

function tables.insert(...)
    local t, at, value = ...
    local count = select("#", ...)
    if shown[t] then
        error(READONLY, 0)
    elseif type(t) == "table" then
        if count == 2 then
            return insert(t, at)
        end
        at = count == 3 and int(at)
        if at and #t + 1 - at > LARGE then
            for index = #t + 1, at + 1, -1 do
                rawset(t, index, rawget(t, index - 1))
            end
            rawset(t, at, value)
            return
        end
    end
    return checked_insert(...)
end

function tables.remove(...)
    local t, at = ...
    if type(t) == "table" then
        if select("#", ...) == 1 then
            return remove(t)
        end
        local last = #t
        at = int(at)
        if at and at >= 1 and last - at > LARGE then
            local value = rawget(t, at)
            for index = at, last - 1 do
                rawset(t, index, rawget(t, index + 1))
            end
            rawset(t, last, nil)
            return value
        end
    end
    return checked_remove(...)
end

local checked_concat = guarded("concat", concat)

function tables.concat(...)
    local t, separator, first, last = ...
    local from = first == nil and 1 or int(first)
    if type(t) ~= "table" or not from then
        return checked_concat(...)
    end
    local to = last == nil and #t or int(last)
    if not to or to - from <= JOINED then
        return checked_concat(...)
    end
    local parts, n = {}, 0
    for at = from, to, JOINED do
        n = n + 1
        parts[n] = checked_concat(t, separator, at, min(at + JOINED - 1, to))
        breathe()
    end
    return tables.concat(parts, separator)
end

-- C compares without end where the values are many or the order is one of C's functions: Lua's code can be stopped.
local function in_lua(compare)
    if compare == nil then
        return function(a, b) return a < b end
    end
    return function(a, b) return (compare(a, b)) end
end

local checked_sort = guarded("sort", sort)

function tables.sort(...)
    local t, compare = ...
    if type(t) ~= "table" or compare ~= nil and type(compare) ~= "function" then
        return checked_sort(...)
    end
    if compare == nil and #t > LARGE or compare ~= nil and getinfo(compare, "S").what == "C" then
        compare = in_lua(compare)
    end
    local ok, e = pcall(sort, t, compare)
    if not ok then
        e = caught(e)
        if e == "invalid order function for sorting" then
            fail(e)
        end
        error(e, 0)
    end
end

local checked_foreach, checked_foreachi = guarded("foreach", table.foreach), guarded("foreachi", table.foreachi)

function tables.foreach(...)
    local t, f = ...
    if type(t) ~= "table" or type(f) ~= "function" then
        return checked_foreach(...)
    end
    for key, value in next, t do
        local result = f(key, value)
        if result ~= nil then
            return result
        end
    end
end

function tables.foreachi(...)
    local t, f = ...
    if type(t) ~= "table" or type(f) ~= "function" then
        return checked_foreachi(...)
    end
    for at = 1, #t do
        local result = f(at, rawget(t, at))
        if result ~= nil then
            return result
        end
    end
end

local checked_maxn = guarded("maxn", table.maxn)

function tables.maxn(...)
    local t = ...
    if type(t) ~= "table" then
        return checked_maxn(...)
    end
    local most = 0
    for key in next, t do
        if type(key) == "number" and key > most then
            most = key
        end
    end
    return most
end

return tables
