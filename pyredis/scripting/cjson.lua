-- Lua's `cjson` as Redis ships it: lua-cjson 2.1.0 with its defaults.
--
-- Settings belong to one table of functions; `new` makes another with the defaults. Whatever they say, values nest no
-- deeper than they can in C, whose stack has so many places: one is needed for each array, two for each object.

local host, readonly = ...
local type, tostring, tonumber, next, error, select = type, tostring, tonumber, next, error, select
local format, byte, char, sub, find, gsub = string.format, string.byte, string.char, string.sub, string.find, string.gsub
local concat, floor, huge, rawget = table.concat, math.floor, math.huge, rawget
local lower = string.lower
local raise = host.fail
local null = setmetatable and newproxy(true)
getmetatable(null).__tostring = function() return "userdata: (nil)" end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n",
    ["\r"] = "\\r", ["\t"] = "\\t" }
for code = 0, 31 do
    local c = char(code)
    ESCAPES[c] = ESCAPES[c] or format("\\u%04x", code)
end
ESCAPES["\127"] = "\\u007f"
local PLACES = 8000
local UNESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local TOKENS = { ["{"] = "T_OBJ_BEGIN", ["}"] = "T_OBJ_END", ["["] = "T_ARR_BEGIN", ["]"] = "T_ARR_END",
    [","] = "T_COMMA", [":"] = "T_COLON", ['"'] = "T_STRING" }

local function utf8(code)
    if code < 0x80 then
        return char(code)
    elseif code < 0x800 then
        return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40)
    elseif code < 0x10000 then
        return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
    end
    return char(0xF0 + floor(code / 0x40000), 0x80 + floor(code / 0x1000) % 0x40, 0x80 + floor(code / 0x40) % 0x40,
        0x80 + code % 0x40)
end

local function encoder(settings)
    local function fail(kind, reason)
        error({ json = "Cannot serialise " .. kind .. ": " .. reason }, 0)
    end

    local function number(value)
        if value ~= value or value == huge or value == -huge then
            if settings.encode_invalid == "null" then
                return "null"
            elseif not settings.encode_invalid then
                fail("number", "must not be NaN or Inf")
            end
            return value ~= value and "nan" or value > 0 and "inf" or "-inf"
        end
        return format(settings.number_format, value)
    end

    local function text(value)
        return '"' .. gsub(value, '[%z\1-\31"\\/\127]', ESCAPES) .. '"'
    end

    -- The length of a table that is an array, or nil: keys are whole numbers from 1 on, and few are missing.
    local function length(t)
        local most, count = 0, 0
        for key in next, t do
            if type(key) ~= "number" or key < 1 or floor(key) ~= key then
                return nil
            end
            if key > most then
                most = key
            end
            count = count + 1
        end
        if settings.sparse_ratio > 0 and most > count * settings.sparse_ratio and most > settings.sparse_safe then
            if not settings.sparse_convert then
                fail("table", "excessively sparse array")
            end
            return nil
        end
        return most
    end

    local append
    local function append_object(out, n, t, depth, places)
        out[n + 1] = "{"
        n = n + 1
        local comma = false
        for key, value in next, t do
            if comma then
                n = n + 1
                out[n] = ","
            end
            comma = true
            if type(key) == "number" then
                out[n + 1] = '"' .. number(key) .. '":'
            elseif type(key) == "string" then
                out[n + 1] = text(key) .. ":"
            else
                fail(type(key), "table key must be a number or string")
            end
            n = append(out, n + 1, value, depth, places + 2)
        end
        out[n + 1] = "}"
        return n + 1
    end

    function append(out, n, value, depth, places)
        local kind = type(value)
        if kind == "string" then
            out[n + 1] = text(value)
        elseif kind == "number" then
            out[n + 1] = number(value)
        elseif kind == "boolean" then
            out[n + 1] = value and "true" or "false"
        elseif kind == "nil" or value == null then
            out[n + 1] = "null"
        elseif kind == "table" then
            depth = depth + 1
            if depth > settings.encode_depth or places + 3 > PLACES then
                error({ json = "Cannot serialise, excessive nesting (" .. depth .. ")" }, 0)
            end
            local count = length(value)
            if not count or count == 0 then
                return append_object(out, n, value, depth, places)
            end
            out[n + 1] = "["
            n = n + 1
            for at = 1, count do
                if at > 1 then
                    n = n + 1
                    out[n] = ","
                end
                n = append(out, n, rawget(value, at), depth, places + 1)
            end
            out[n + 1] = "]"
        else
            fail(kind, "type not supported")
        end
        return n + 1
    end

    return function(value)
        local out = {}
        return concat(out, "", 1, append(out, 0, value, 0, 1))
    end
end

local function decoder(settings)
    local source, position

    local function fail(expected, found, at)
        error({ json = "Expected " .. expected .. " but found " .. found .. " at character " .. at }, 0)
    end

    local function skip()
        position = find(source, "[^ \t\n\r]", position) or #source + 1
    end

    local function unicode(at)
        local digits = find(source, "^%x%x%x%x", at)
        return digits and tonumber(sub(source, at, at + 3), 16)
    end

    -- The string that begins at `position`: (text), or nil, what is wrong, and where.
    local function string_at()
        local at = position + 1
        local stop = find(source, '["\\%z]', at)
        if stop and byte(source, stop) == 34 then
            position = stop + 1
            return sub(source, at, stop - 1)
        end
        local parts, n = {}, 0
        while true do
            stop = find(source, '["\\%z]', at)
            if not stop then
                return nil, "unexpected end of string", #source + 1
            end
            n = n + 1
            parts[n] = sub(source, at, stop - 1)
            local c = byte(source, stop)
            if c == 34 then
                position = stop + 1
                return concat(parts)
            elseif c == 0 then
                return nil, "unexpected end of string", stop
            end
            local letter = sub(source, stop + 1, stop + 1)
            n = n + 1
            if letter == "u" then
                local code = unicode(stop + 2)
                at = stop + 6
                if code and code >= 0xD800 and code < 0xE000 then
                    local following = sub(source, at, at + 1) == "\\u" and unicode(at + 2)
                    if code >= 0xDC00 or not following or following < 0xDC00 or following > 0xDFFF then
                        code = nil
                    else
                        code = 0x10000 + (code - 0xD800) * 0x400 + following - 0xDC00
                        at = at + 6
                    end
                end
                if not code then
                    return nil, "invalid unicode escape code", stop
                end
                parts[n] = utf8(code)
            else
                parts[n] = UNESCAPES[letter]
                if not parts[n] then
                    return nil, "invalid escape code", stop
                end
                at = stop + 2
            end
        end
    end

    -- The number that begins at `position`, in the forms C's strtod takes.
    local function number_at()
        local word
        local start = position
        local sign = find(source, "^[+-]", start) and sub(source, start, start) or ""
        local at = start + #sign
        local rest = lower(sub(source, at, at + 8))
        local special = (find(rest, "^infinity") and "infinity") or (find(rest, "^inf") and "inf")
            or (find(rest, "^nan") and "nan")
        if special then
            position = at + #special
            return special == "nan" and (sign == "-" and 0 / 0 or -(0 / 0)) or sign == "-" and -huge or huge
        end
        local _, stop = find(source, "^0[xX]%x+", at)
        if not stop then
            _, stop = find(source, "^%d+%.?%d*", at)
            if stop then
                local _, exponent = find(source, "^[eE][+-]?%d+", stop + 1)
                stop = exponent or stop
            end
        end
        if not stop then
            return nil
        end
        word = tonumber(sub(source, at, stop))
        position = stop + 1
        return sign == "-" and -word or word
    end

    -- What stands at `position` where something else was expected.
    local function refuse(expected)
        local at = position
        local c = sub(source, at, at)
        if c == "" or c == "\0" then
            fail(expected, "T_END", at)
        elseif c == '"' then
            local text, wrong, where = string_at()
            fail(expected, text and "T_STRING" or wrong, text and at or where)
        elseif TOKENS[c] then
            fail(expected, TOKENS[c], at)
        elseif find(source, "^true", at) or find(source, "^false", at) then
            fail(expected, "T_BOOLEAN", at)
        elseif find(source, "^null", at) then
            fail(expected, "T_NULL", at)
        elseif find(source, "^[%d+-]", at) then
            fail(expected, number_at() and "T_NUMBER" or "invalid number", at)
        end
        fail(expected, "invalid token", at)
    end

    local value

    local function deeper(depth, places)
        if depth > settings.decode_depth or places > PLACES then
            error({ json = "Found too many nested data structures (" .. depth .. ") at character " .. position }, 0)
        end
        position = position + 1
        skip()
    end

    local function array(depth, places)
        places = places + 1
        deeper(depth, places)
        local items, n = {}, 0
        if byte(source, position) == 93 then
            position = position + 1
            return items
        end
        while true do
            n = n + 1
            items[n] = value(depth, places)
            skip()
            local c = byte(source, position)
            if c == 93 then
                position = position + 1
                return items
            elseif c ~= 44 then
                refuse("comma or array end")
            end
            position = position + 1
            skip()
        end
    end

    local function object(depth, places)
        places = places + 2
        deeper(depth, places)
        local fields = {}
        if byte(source, position) == 125 then
            position = position + 1
            return fields
        end
        while true do
            if byte(source, position) ~= 34 then
                refuse("object key string")
            end
            local key, wrong, where = string_at()
            if not key then
                fail("object key string", wrong, where)
            end
            skip()
            if byte(source, position) ~= 58 then
                refuse("colon")
            end
            position = position + 1
            skip()
            fields[key] = value(depth, places)
            skip()
            local c = byte(source, position)
            if c == 125 then
                position = position + 1
                return fields
            elseif c ~= 44 then
                refuse("comma or object end")
            end
            position = position + 1
            skip()
        end
    end

    function value(depth, places)
        local c = byte(source, position)
        if c == 34 then
            local text, wrong, where = string_at()
            if not text then
                fail("value", wrong, where)
            end
            return text
        elseif c == 123 then
            return object(depth + 1, places)
        elseif c == 91 then
            return array(depth + 1, places)
        elseif find(source, "^true", position) then
            position = position + 4
            return true
        elseif find(source, "^false", position) then
            position = position + 5
            return false
        elseif find(source, "^null", position) then
            position = position + 4
            return null
        elseif c and find(source, "^[%d+iInN-]", position) then
            local at = position
            local number = number_at()
            if number then
                if not settings.decode_invalid and (number ~= number or number == huge or number == -huge) then
                    fail("value", "invalid number", at)
                end
                return number
            elseif find(source, "^[+%d-]", at) then
                fail("value", "invalid number", at)
            end
        end
        return refuse("value")
    end

    return function(text)
        source, position = text, 1
        if byte(text, 1) == 0 or byte(text, 2) == 0 then
            error({ json = "JSON parser does not support UTF-16 or UTF-32" }, 0)
        end
        skip()
        local decoded = value(0, 2)
        skip()
        if position <= #source then
            refuse("the end")
        end
        source = nil
        return decoded
    end
end

-- A setting's new value, checked as lua-cjson does.
local function bounded(name, value, at, least, most)
    local got = tonumber(value)
    if got == nil then
        raise("bad argument #" .. at .. " to '" .. name .. "' (number expected, got " .. type(value) .. ")")
    end
    got = floor(got)
    if got < least or got > most then
        local wanted = "(expected integer between " .. least .. " and " .. format("%d", most) .. ")"
        raise("bad argument #" .. at .. " to '" .. name .. "' " .. wanted)
    end
    return got
end

local INT_MAX = 2147483647

local function make(wrap)
    local settings = { encode_depth = 1000, decode_depth = 1000, encode_invalid = false, decode_invalid = true,
        sparse_convert = false, sparse_ratio = 2, sparse_safe = 10, number_format = "%.14g", precision = 14,
        keep_buffer = true }
    local encode, decode = encoder(settings), decoder(settings)
    local cjson = { _NAME = "cjson", _VERSION = "2.1.0", null = null }

    local function one(name, count)
        if count ~= 1 then
            raise("bad argument #1 to '" .. name .. "' (expected 1 argument)")
        end
    end

    function cjson.encode(...)
        one("encode", select("#", ...))
        local ok, value = pcall(encode, (...))
        if not ok then
            raise(type(value) == "table" and value.json or value)
        end
        return value
    end
    function cjson.decode(...)
        one("decode", select("#", ...))
        local text = ...
        if type(text) == "number" then
            text = tostring(text)
        elseif type(text) ~= "string" then
            raise("bad argument #1 to 'decode' (string expected, got " .. type(text) .. ")")
        end
        local ok, value = pcall(decode, text)
        if not ok then
            raise(type(value) == "table" and value.json or value)
        end
        return value
    end
    function cjson.new()
        return make(function(made) return made end)
    end

    local function depth(name, key)
        cjson[name] = function(value)
            if value ~= nil then
                settings[key] = bounded(name, value, 1, 1, INT_MAX)
            end
            return settings[key]
        end
    end
    depth("encode_max_depth", "encode_depth")
    depth("decode_max_depth", "decode_depth")

    function cjson.encode_number_precision(value)
        if value ~= nil then
            settings.precision = bounded("encode_number_precision", value, 1, 1, 14)
            settings.number_format = "%." .. settings.precision .. "g"
        end
        return settings.precision
    end
    function cjson.encode_keep_buffer(value)
        if value ~= nil then
            settings.keep_buffer = value and true or false
        end
        return settings.keep_buffer
    end
    function cjson.encode_invalid_numbers(value)
        if value == "null" then
            settings.encode_invalid = "null"
        elseif value ~= nil then
            settings.encode_invalid = value == true or value == "on"
        end
        return settings.encode_invalid
    end
    function cjson.decode_invalid_numbers(value)
        if value ~= nil then
            settings.decode_invalid = value == true or value == "on"
        end
        return settings.decode_invalid
    end
    function cjson.encode_sparse_array(convert, ratio, safe)
        if convert ~= nil then
            settings.sparse_convert = convert == true or convert == "on"
        end
        if ratio ~= nil then
            settings.sparse_ratio = bounded("encode_sparse_array", ratio, 2, 0, INT_MAX)
        end
        if safe ~= nil then
            settings.sparse_safe = bounded("encode_sparse_array", safe, 3, 0, INT_MAX)
        end
        return settings.sparse_convert, settings.sparse_ratio, settings.sparse_safe
    end
    return wrap(cjson)
end

return make(function(made) return made end)
