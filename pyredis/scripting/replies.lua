-- What a script returns, as tokens for the host: a scalar as it is, a table as marks and counts before what they hold.
--
-- The bytes of strings are counted as they are appended: the host may drop a reply that grows too large before any of
-- it is copied.

local kit = ...
local host, shown = kit.host, kit.shown
local type, rawget, next, error = type, rawget, next, error
local reply_grows = python.as_function(host.reply_grows)
local GROWN = 1048576
local DROPPED = {}
local size, asked = 0, 0

local ARRAY, MAP, SET, STATUS, ERROR, KNOWN = host.ARRAY, host.MAP, host.SET, host.STATUS, host.ERROR, host.KNOWN
local DOUBLE, BIG, VERBATIM, NULL, FAILED = host.DOUBLE, host.BIG, host.VERBATIM, host.NULL, host.FAILED
local DEEPEST = host.deepest

local flatten

local function counted(s)
    size = size + #s
    if size - asked > GROWN then
        asked = size
        if not reply_grows(size) then
            error(DROPPED, 0)
        end
    end
    return s
end

-- Append the tokens of one value to `out`, which has n; answers how many it has then.
local function token(value, out, n, depth)
    local kind = type(value)
    if kind == "table" then
        return flatten(value, out, n, depth)
    elseif kind == "string" then
        out[n + 1] = counted(value)
    elseif kind == "number" or kind == "boolean" then
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


local function tokens(value)
    local out = {}
    size, asked = 0, 0
    return out, flatten(value, out, 0, 0)
end

return { tokens = tokens, DROPPED = DROPPED }
