-- Lua's `cmsgpack` as Redis ships it: lua-cmsgpack 0.4.0. Numbers are written and read by the host.
--
-- `places` is how much of the stack of C would be in use: a table that is read has two places there, and so many values
-- that are answered at once have one each.

local host = ...
local as_function = python.as_function
local pack_number, unpack_number = as_function(host.pack_number), as_function(host.unpack_number)
local raise = host.fail
local type, next, select, tostring, tonumber, unpack = type, next, select, tostring, tonumber, unpack
local char, byte, sub, concat, floor = string.char, string.byte, string.sub, table.concat, math.floor
local pcall, error = pcall, error

local DEEPEST = 16
local PLACES = 8000

-- The bytes of a count behind a format byte: `short` with the count in it, or `first` of two or three sizes.
local function header(count, short, short_max, first8, first16)
    if count <= short_max then
        return char(short + count)
    elseif first8 and count <= 255 then
        return char(first8, count)
    elseif count <= 65535 then
        return char(first16, floor(count / 256), count % 256)
    end
    return char(first16 + 1, floor(count / 16777216) % 256, floor(count / 65536) % 256, floor(count / 256) % 256,
        count % 256)
end

local function is_array(t)
    local count, most = 0, 0
    for key in next, t do
        if type(key) ~= "number" or key <= 0 or floor(key) ~= key then
            return false
        end
        count = count + 1
        if key > most then
            most = key
        end
    end
    return most == count, count
end

local function append(out, value, level)
    local kind = type(value)
    if kind == "table" and level == DEEPEST then
        kind = "nil"
    end
    if kind == "string" then
        out[#out + 1] = header(#value, 0xA0, 31, 0xD9, 0xDA) .. value
    elseif kind == "number" then
        out[#out + 1] = pack_number(value)
    elseif kind == "boolean" then
        out[#out + 1] = value and "\195" or "\194"
    elseif kind == "table" then
        local array, count = is_array(value)
        if array then
            out[#out + 1] = header(count, 0x90, 15, nil, 0xDC)
            for at = 1, count do
                append(out, value[at], level + 1)
            end
        else
            count = 0
            for _ in next, value do
                count = count + 1
            end
            out[#out + 1] = header(count, 0x80, 15, nil, 0xDE)
            for key, item in next, value do
                append(out, key, level + 1)
                append(out, item, level + 1)
            end
        end
    else
        out[#out + 1] = "\192"
    end
end

local MISSING, BAD = { text = "Missing bytes in input." }, { text = "Bad data format in input." }
local FULL = { text = "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)" }
local FULL_ARRAY = { text = "stack overflow (in function mp_decode_to_lua_array)" }
local FULL_ANSWER = "stack overflow (in function mp_unpack_full)"
-- Format bytes of numbers, and of what has a length: how many bytes follow.
local NUMBERS = { [0xCA] = 4, [0xCB] = 8, [0xCC] = 1, [0xCD] = 2, [0xCE] = 4, [0xCF] = 8, [0xD0] = 1, [0xD1] = 2,
    [0xD2] = 4, [0xD3] = 8 }
local STRINGS = { [0xC4] = 1, [0xC5] = 2, [0xC6] = 4, [0xD9] = 1, [0xDA] = 2, [0xDB] = 4 }
local ARRAYS, MAPS = { [0xDC] = 2, [0xDD] = 4 }, { [0xDE] = 2, [0xDF] = 4 }

local function count_at(text, at, size)
    if at + size - 1 > #text then
        error(MISSING, 0)
    end
    local count = 0
    for position = at, at + size - 1 do
        count = count * 256 + byte(text, position)
    end
    return count, at + size
end

local read

local function read_string(text, at, size)
    if at + size - 1 > #text then
        error(MISSING, 0)
    end
    return sub(text, at, at + size - 1), at + size
end

local function read_array(text, at, count, places)
    if places + 2 > PLACES then
        error(FULL_ARRAY, 0)
    end
    local items = {}
    for index = 1, count do
        items[index], at = read(text, at, places + 2)
    end
    return items, at
end

local function read_map(text, at, count, places)
    local fields = {}
    for _ = 1, count do
        local key, value
        key, at = read(text, at, places + 1)
        value, at = read(text, at, places + 2)
        if key == nil or key ~= key then
            error(BAD, 0)
        end
        fields[key] = value
    end
    return fields, at
end

-- The value at `at`, and where the next begins.
function read(text, at, places)
    local code = byte(text, at)
    if not code then
        error(MISSING, 0)
    elseif places >= PLACES then
        error(FULL, 0)
    end
    at = at + 1
    if code < 0x80 then
        return code, at
    elseif code >= 0xE0 then
        return code - 256, at
    elseif code < 0x90 then
        return read_map(text, at, code - 0x80, places)
    elseif code < 0xA0 then
        return read_array(text, at, code - 0x90, places)
    elseif code < 0xC0 then
        return read_string(text, at, code - 0xA0)
    elseif code == 0xC0 then
        return nil, at
    elseif code == 0xC2 or code == 0xC3 then
        return code == 0xC3, at
    end
    local size = NUMBERS[code]
    if size then
        local data
        data, at = read_string(text, at, size)
        return unpack_number(code, data), at
    end
    local kinds = { [STRINGS] = read_string, [ARRAYS] = read_array, [MAPS] = read_map }
    for sizes, reader in next, kinds do
        if sizes[code] then
            local count
            count, at = count_at(text, at, sizes[code])
            return reader(text, at, count, places)
        end
    end
    error(BAD, 0)
end

local function checked(name, text)
    if type(text) == "number" then
        return tostring(text)
    elseif type(text) ~= "string" then
        local got = text == nil and "no value" or type(text)
        raise("bad argument #1 to '" .. name .. "' (string expected, got " .. got .. ")")
    end
    return text
end

-- An argument as C's 64 bit integer: cut off, and the least one for what does not fit.
local function integer(name, at, value)
    local number = tonumber(value)
    if not number then
        raise("bad argument #" .. at .. " to '" .. name .. "' (number expected, got " .. type(value) .. ")")
    elseif number >= -2 ^ 63 and number < 2 ^ 63 then
        return number < 0 and -floor(-number) or floor(number)
    end
    return -2 ^ 63
end

-- A number as C prints 32 bits of it.
local function printed(number)
    number = number % 4294967296
    return number < 2147483648 and number or number - 4294967296
end

-- So many values at once: two more than C's `unpack` can give, whose own arguments are on the stack, too.
local function all_of(values, count)
    if count < 3 then
        return unpack(values, 1, count)
    end
    return values[1], values[2], unpack(values, 3, count)
end

-- Up to `limit` values from `offset` on, behind where the next one begins; all of them with neither.
local function unpacked(name, text, limit, offset)
    text = checked(name, text)
    if offset < 0 or limit < 0 then
        raise("Invalid request to unpack with offset of " .. printed(offset) .. " and limit of " .. #text .. ".")
    elseif offset > #text then
        raise("Start offset " .. printed(offset) .. " greater than input length " .. #text .. ".")
    end
    local all = limit == 0 and offset == 0
    local out, at, count = {}, offset + 1, 0
    while at <= #text and (all or count < limit) do
        count = count + 1
        local ok, value, following = pcall(read, text, at, count)
        if not ok then
            raise(type(value) == "table" and value.text or value)
        end
        out[count], at = value, following
    end
    if all then
        return all_of(out, count)
    end
    if count + 1 >= PLACES then
        raise(FULL_ANSWER)
    end
    return at > #text and -1 or at - 1, all_of(out, count)
end

local cmsgpack = { _NAME = "cmsgpack", _VERSION = "lua-cmsgpack 0.4.0",
    _COPYRIGHT = "Copyright (C) 2012, Salvatore Sanfilippo", _DESCRIPTION = "MessagePack C implementation for Lua" }

function cmsgpack.pack(...)
    local count = select("#", ...)
    if count == 0 then
        raise("bad argument #0 to 'pack' (MessagePack pack needs input.)")
    end
    if 2 * count > PLACES then
        raise("bad argument #0 to 'pack' (Too many arguments for MessagePack pack.)")
    end
    local out, values = {}, { ... }
    for at = 1, count do
        append(out, values[at], 0)
    end
    return concat(out)
end

function cmsgpack.unpack(text)
    return unpacked("unpack", text, 0, 0)
end

function cmsgpack.unpack_one(text, offset)
    return unpacked("unpack_one", text, 1, offset == nil and 0 or integer("unpack_one", 2, offset))
end

function cmsgpack.unpack_limit(text, limit, offset)
    limit = integer("unpack_limit", 2, limit)
    return unpacked("unpack_limit", text, limit, offset == nil and 0 or integer("unpack_limit", 3, offset))
end

return cmsgpack
