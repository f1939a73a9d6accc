-- Lua's `string`: the functions that could run for long in one call of C, or overflow its stack, beside C's own.
--
-- What is cheap goes to C. `built(method)` makes the functions once more for calls like `s:find(p)`, whose complaints
-- count arguments from behind `s`.

local kit = ...
local watch, guarded, fail, number, host = kit.watch, kit.guarded, kit.fail, kit.number, kit.host
local patterns = kit.patterns
local breathe = watch.breathe
local shape, search, BUDGET = patterns.shape, patterns.search, patterns.BUDGET
local find_plain = python.as_function(host.find)
local type, select, tostring, next, tonumber = type, select, tostring, next, tonumber
local find, match, gmatch, gsub, sub, byte = string.find, string.match, string.gmatch, string.gsub, string.sub, string.byte
local rep, format, upper, lower, reverse = string.rep, string.format, string.upper, string.lower, string.reverse
local concat, floor = table.concat, math.floor

local LARGE = 16384 -- bytes that C may go through without a breath
local PIECE = 1048576
local FORMAT_MAX = PIECE
local MATCHED = 8 -- steps that C needs for a match

local function text(value)
    if type(value) == "number" then
        return tostring(value)
    end
    return type(value) == "string" and value or nil
end

-- f(s) for a long text, piece by piece.
local function in_pieces(f, s, backwards)
    local parts, n = {}, 0
    for at = 1, #s, PIECE do
        n = n + 1
        parts[n] = f(sub(s, at, at + PIECE - 1))
        breathe(PIECE)
    end
    if backwards then
        for at = 1, floor(n / 2) do
            parts[at], parts[n + 1 - at] = parts[n + 1 - at], parts[at]
        end
    end
    return concat(parts)
end

-- `s` from where Lua's functions with an `init` begin.
local function start(s, init)
    if init == nil then
        return 1
    elseif init < 0 then
        init = init + #s + 1
        return init < 1 and 1 or init
    end
    return init < 1 and 1 or init > #s + 1 and #s + 1 or init
end

-- A search that answers as string.find(s, p, from): C's where it is cheap, else the one that can be stopped.
local function searcher(s, p)
    if #s <= shape(p).reach then
        return function(from)
            return find(s, p, from)
        end
    end
    breathe()
    return search(s, p)
end

local function plainly(s, p, from)
    if (#s - from + 1) * #p <= BUDGET then
        return find(s, p, from, true)
    end
    breathe()
    local at = find_plain(s, p, from)
    if at then
        return at, at + #p - 1
    end
    return nil
end

local function found(at, stop, ...)
    if not at then
        return nil
    end
    return at, stop, ...
end

-- What string.match answers of a find.
local function matched(s, at, stop, ...)
    if not at then
        return nil
    elseif select("#", ...) == 0 then
        return sub(s, at, stop)
    end
    return ...
end

local function iterator(s, p)
    local from = 1
    if byte(p, 1) == 94 then
        p = "%" .. p -- no anchor here
    end
    local seek = searcher(s, p)
    local function step(at, stop, ...)
        if not at then
            from = #s + 2
            return nil
        end
        from = stop >= at and stop + 1 or at + 1
        return matched(s, at, stop, ...)
    end
    return function()
        if from > #s + 1 then
            return nil
        end
        return step(seek(from))
    end
end

-- gsub

local function expanded(replacement, s, at, stop, ...)
    local parts, n, from = {}, 0, 1
    local count = select("#", ...)
    while true do
        local sign = find(replacement, "%", from, true)
        n = n + 1
        parts[n] = sub(replacement, from, sign and sign - 1)
        if not sign then
            return concat(parts)
        end
        local digit = sub(replacement, sign + 1, sign + 1)
        local index = tonumber(find(digit, "%d") and digit)
        n = n + 1
        if not index then
            parts[n] = digit == "" and "\0" or digit
        elseif index == 0 or index == 1 and count == 0 then
            parts[n] = sub(s, at, stop)
        elseif index > count then
            fail("invalid capture index")
        else
            parts[n] = (select(index, ...))
        end
        from = sign + 2
    end
end

local function replaced(replacement, s, at, stop, ...)
    local kind, value = type(replacement), nil
    if kind == "string" then
        return expanded(replacement, s, at, stop, ...)
    elseif kind == "function" then
        value = replacement(matched(s, at, stop, ...))
    else
        value = replacement[(matched(s, at, stop, ...))]
    end
    if not value then
        return sub(s, at, stop)
    elseif type(value) ~= "string" and type(value) ~= "number" then
        fail("invalid replacement value (a " .. type(value) .. ")")
    end
    return value
end

local function substituted(s, p, replacement, limit)
    local seek, parts, n, count, from = searcher(s, p), {}, 0, 0, 1
    local size = 0
    local function step(at, stop, ...)
        if not at then
            return false
        end
        count = count + 1
        parts[n + 1] = sub(s, from, at - 1)
        parts[n + 2] = replaced(replacement, s, at, stop, ...)
        n = n + 2
        from = stop + 1
        if stop < at then
            n = n + 1
            parts[n] = sub(s, at, at)
            from = at + 1
        end
        size = size + (type(parts[n]) == "string" and #parts[n] or 8)
        if size > PIECE then
            size = 0
            breathe()
        end
        return true
    end
    local anchored = byte(p, 1) == 94
    while count < limit and from <= #s + 1 and step(seek(from)) and not anchored do
    end
    parts[n + 1] = sub(s, from)
    return kit.concat(parts), count
end

local function highest_index(replacement)
    local highest = 0
    for digit in gmatch(replacement, "%%(.)") do
        digit = tonumber(find(digit, "%d") and digit) or 0
        highest = digit > highest and digit or highest
    end
    return highest
end

local function in_c(s, p, replacement)
    local known = shape(p)
    if type(replacement) ~= "string" or #s > known.reach or (#s + 1) * (#replacement + MATCHED) > BUDGET then
        return false
    end
    return not find(replacement, "%", 1, true)
        or highest_index(replacement) <= (known.captures > 0 and known.captures or 1)
end

-- C repeats byte by byte; here the text doubles.
local function repeated(s, count)
    if #s == 0 or count < 1 then
        return ""
    elseif #s * count <= LARGE then
        return rep(s, count)
    elseif #s * count > host.memory_max then
        fail("resulting string too large")
    end
    breathe(#s * count)
    local made, length = s, 1
    while length * 2 <= count do
        made, length = made .. made, length * 2
    end
    if length == count then
        return made
    end
    return made .. repeated(s, count - length)
end

local function built(method)
    local strings = {}
    for name, value in next, string do
        strings[name] = value
    end
    local function checked(name)
        return guarded(name, string[name], method)
    end

    for name, f in next, { upper = upper, lower = lower, reverse = reverse } do
        local check = checked(name)
        strings[name] = function(...)
            local s = ...
            if type(s) == "string" and #s <= LARGE then
                return f(s)
            elseif type(s) == "string" then
                return in_pieces(f, s, f == reverse)
            end
            return check(...)
        end
    end

    local check_rep = checked("rep")
    function strings.rep(...)
        local s, count = ...
        local whole, times = text(s), kit.int(count)
        if not whole or not times then
            return check_rep(...)
        end
        return repeated(whole, times)
    end

    local check_format = checked("format")
    function strings.format(...)
        local form = ...
        if type(form) == "string" and #form > FORMAT_MAX then
            fail("format string too long")
        end
        for at = 2, select("#", ...) do
            local value = select(at, ...)
            if type(value) == "string" and #value > LARGE then
                breathe(#value)
                if #value > PIECE and find(form, "q", 1, true) then
                    fail("string too long to be quoted")
                end
            end
        end
        return check_format(...)
    end

    local check_find = checked("find")
    function strings.find(...)
        local s, p, init, plain = ...
        if type(s) == "string" and type(p) == "string" and (init == nil or type(init) == "number") then
            if not plain and #s <= shape(p).reach then
                return find(s, p, init)
            end
            init = start(s, kit.int(init or 1))
            if plain or shape(p).plain then
                return plainly(s, p, init)
            end
            return found(searcher(s, p)(init))
        end
        local subject, pattern, from = text(s), text(p), init == nil and 1 or number(init)
        if subject and pattern and from then
            return strings.find(subject, pattern, from, plain)
        end
        return check_find(...)
    end

    local check_match = checked("match")
    function strings.match(...)
        local s, p, init = ...
        if type(s) == "string" and type(p) == "string" and (init == nil or type(init) == "number") then
            if #s <= shape(p).reach then
                return match(s, p, init)
            end
            return matched(s, searcher(s, p)(start(s, kit.int(init or 1))))
        end
        local subject, pattern, from = text(s), text(p), init == nil and 1 or number(init)
        if subject and pattern and from then
            return strings.match(subject, pattern, from)
        end
        return check_match(...)
    end

    local check_gmatch = checked("gmatch")
    function strings.gmatch(...)
        local s, p = ...
        s, p = text(s), text(p)
        if not s or not p then
            return check_gmatch(...)
        elseif byte(p, 1) ~= 94 and #s <= shape(p).reach then
            return gmatch(s, p)
        end
        return iterator(s, p)
    end
    strings.gfind = strings.gmatch

    local check_gsub = checked("gsub")
    function strings.gsub(...)
        local s, p, replacement, limit = ...
        s, p = text(s), text(p)
        limit = limit == nil and s and #s + 1 or kit.int(limit)
        if type(replacement) == "number" then
            replacement = tostring(replacement)
        end
        local kind = type(replacement)
        if not s or not p or not limit or kind ~= "string" and kind ~= "table" and kind ~= "function" then
            return check_gsub(...)
        elseif in_c(s, p, replacement) then
            return gsub(s, p, replacement, limit)
        end
        return substituted(s, p, replacement, limit)
    end
    return strings
end

return { functions = built(false), methods = built(true) }
