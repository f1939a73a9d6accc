-- What a script returns, as tokens for the host: a scalar as it is, a table as marks and counts before what they hold.
--
-- The bytes of strings are counted as they are appended: the host may drop a reply that grows too large before any of
-- it is copied.
--
-- How deep tables may nest is told by the places on the stack that Redis would use in C: one for each array around a
-- value, three for a map or a set, four around the key of a map.

local kit = ...
local host, shown = kit.host, kit.shown
local type, rawget, next, error, getmetatable = type, rawget, next, error, getmetatable
local reply_grows = python.as_function(host.reply_grows)
local GROWN = 1048576
local PLACES = 7995 -- of the 8,000 that a function in C may have
local DROPPED = {}
local size, asked, deepest = 0, 0, 0

local ARRAY, FLAT, MAP, SET, STATUS, ERROR = host.ARRAY, host.FLAT, host.MAP, host.SET, host.STATUS, host.ERROR
local KNOWN, DOUBLE, BIG, VERBATIM, NULL = host.KNOWN, host.DOUBLE, host.BIG, host.VERBATIM, host.NULL
local FULL = "ERR reached lua stack limit"

local flatten

local function ask()
    if size - asked > GROWN then
        asked = size
        if not reply_grows(size) then
            error(DROPPED, 0)
        end
    end
end

local function counted(s)
    size = size + #s
    ask()
    return s
end

-- Append the tokens of one value to `out`, which has n; answers how many it has then.
local function token(value, out, n, places)
    if places >= PLACES then
        out[n + 1], out[n + 2] = ERROR, FULL
        return n + 2
    end
    local kind = type(value)
    if kind == "table" then
        return flatten(value, out, n, places)
    elseif kind == "string" then
        out[n + 1] = counted(value)
    elseif kind == "number" or kind == "boolean" then
        out[n + 1] = value
    else
        out[n + 1] = NULL
    end
    return n + 1
end

local function map(t, out, n, places)
    local count, at = 0, n + 1
    out[at] = MAP
    n = n + 2
    for key, value in next, t do
        n = token(key, out, n, places + 4)
        n = token(value, out, n, places + 3)
        count = count + 1
    end
    out[at + 1] = count
    return n
end

local function set(t, out, n, places)
    local count, at = 0, n + 1
    out[at] = SET
    n = n + 2
    for member in next, t do
        n = token(member, out, n, places + 3)
        count = count + 1
    end
    out[at + 1] = count
    return n
end

-- An array up to its first nil. It is flat if it holds no tables.
local function array(t, out, n, places)
    local at, count, mark = n + 1, 0, FLAT
    n, places = n + 2, places + 1
    local plain = getmetatable(t) == nil -- nothing of the script's runs when it is indexed
    local value = rawget(t, 1)
    while value ~= nil do
        local kind = type(value)
        if kind == "table" or places >= PLACES then
            mark = ARRAY
            n = token(value, out, n, places)
        else
            n = n + 1
            if kind == "string" then
                size = size + #value
                if size - asked > GROWN then
                    ask()
                end
                out[n] = value
            elseif kind == "number" or kind == "boolean" then
                out[n] = value
            else
                out[n] = NULL
            end
        end
        count = count + 1
        if plain then
            value = t[count + 1]
        else
            value = rawget(t, count + 1)
        end
    end
    out[at], out[at + 1] = mark, count
    return n
end

function flatten(t, out, n, places)
    t = shown[t] or t
    if places > deepest then
        deepest = places
    end
    local field = rawget(t, "err")
    if type(field) == "string" then
        out[n + 1], out[n + 2] = rawget(t, "ignore_error_stats_update") and KNOWN or ERROR, counted(field)
        return n + 2
    end
    field = rawget(t, "ok")
    if type(field) == "string" then
        out[n + 1], out[n + 2] = STATUS, counted(field)
        return n + 2
    end
    field = rawget(t, "double")
    if type(field) == "number" then
        out[n + 1], out[n + 2] = DOUBLE, field
        return n + 2
    end
    field = rawget(t, "big_number")
    if type(field) == "string" then
        out[n + 1], out[n + 2] = BIG, counted(field)
        return n + 2
    end
    field = rawget(t, "verbatim_string")
    if type(field) == "table" then
        local format, text = rawget(field, "format"), rawget(field, "string")
        if type(format) == "string" and type(text) == "string" then
            out[n + 1], out[n + 2], out[n + 3] = VERBATIM, counted(format), counted(text)
            return n + 3
        end
    end
    field = rawget(t, "map")
    if type(field) == "table" then
        return map(field, out, n, places)
    end
    field = rawget(t, "set")
    if type(field) == "table" then
        return set(field, out, n, places)
    end
    return array(t, out, n, places)
end

-- The tokens of a table, how many they are, and how deep it nests.
local function tokens(value)
    local out = {}
    size, asked, deepest = 0, 0, 0
    local n = flatten(value, out, 0, 0)
    return out, n, deepest
end

return { tokens = tokens, DROPPED = DROPPED }
