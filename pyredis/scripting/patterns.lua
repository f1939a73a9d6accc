-- Lua's patterns: what C would pay for a match at worst, and a matcher that can be stopped for those that are too dear.
--
-- C's matcher runs without asking anybody. It backtracks at a quantifier that something follows which can fail, so the
-- steps of one search are at most `length ^ (such quantifiers + 1)`; and it calls itself for each quantifier and
-- capture, so a long pattern overflows its stack. The matcher below has the same semantics, character by character and
-- error by error, in Lua's own code. A pattern ends at its first zero byte, as in Lua 5.1.

local kit = ...
local fail = kit.fail
local byte, char, sub, find = string.byte, string.char, string.sub, string.find
local unpack = unpack

local BUDGET = 4e6 -- steps of C: some 20 ms
local DEEPEST = 150 -- calls of C's matcher within each other
local DEEPEST_IN_LUA = 3000
local MAX_CAPTURES = 32
local SPECIALS = "[%^%$%*%+%?%.%(%[%%%-]"
local CACHED = 500

local PERCENT, OPEN, CLOSE, BRACKET, END_BRACKET, CARET, DOLLAR = byte("%()[]^$", 1, 7)
local BALANCE, FRONTIER = byte("bf", 1, 2)
local STAR, PLUS, MINUS, OPTION = byte("*+-?", 1, 4)

-- Where the class that begins at `at` ends, or nil and what is wrong with it.
local function class_end(p, at)
    local c = byte(p, at)
    at = at + 1
    if c == PERCENT then
        if at > #p then
            return nil, "malformed pattern (ends with '%')"
        end
        return at + 1
    elseif c == BRACKET then
        if byte(p, at) == CARET then
            at = at + 1
        end
        repeat
            if at > #p then
                return nil, "malformed pattern (missing ']')"
            end
            c = byte(p, at)
            at = at + 1
            if c == PERCENT and at <= #p then
                at = at + 1
            end
        until byte(p, at) == END_BRACKET
        return at + 1
    end
    return at
end

-- What a pattern costs

-- `powers` of the subject's length that a search takes at most, `factor` steps each; nil if C may complain of it.
local function measured(p)
    local at, powers, factor, depth = 1, 1, 1, 0
    local open, captures, pending, optional = 0, 0, 0, 0
    if byte(p, 1) == CARET then
        at, powers = 2, 0
    end
    while at <= #p do
        local c, fails = byte(p, at), false
        factor = factor + 1
        if c == OPEN then
            captures, depth = captures + 1, depth + 2
            if byte(p, at + 1) == CLOSE then
                at = at + 2
            else
                at, open = at + 1, open + 1
            end
        elseif c == CLOSE then
            at, open = at + 1, open - 1
            if open < 0 then
                return nil
            end
        elseif c == PERCENT and find(p, "^%d", at + 1) then
            return nil
        elseif c == PERCENT and byte(p, at + 1) == BALANCE then
            if at + 3 > #p then
                return nil
            end
            at, powers, fails = at + 4, powers + 1, true
        elseif c == PERCENT and byte(p, at + 1) == FRONTIER then
            at = byte(p, at + 2) == BRACKET and class_end(p, at + 2)
            if not at then
                return nil
            end
            fails = true
        elseif c == DOLLAR and at == #p then
            at, fails = at + 1, true
        else
            local stop = class_end(p, at)
            if not stop then
                return nil
            end
            c = byte(p, stop)
            at = stop + 1
            if c == STAR or c == MINUS then
                pending, depth = pending + 1, depth + 1
            elseif c == PLUS then
                powers, fails = powers + pending, true
                factor = factor * 2 ^ optional
                pending, optional, depth = 1, 0, depth + 1
            elseif c == OPTION then
                optional, depth = optional + 1, depth + 1
            else
                at, fails = stop, true
            end
        end
        if fails and c ~= PLUS then
            powers, factor = powers + pending, factor * 2 ^ optional
            pending, optional = 0, 0
        end
    end
    if open ~= 0 or captures > MAX_CAPTURES or depth > DEEPEST then
        return nil
    end
    return powers, factor, captures
end

local function shape_of(p)
    local cut = find(p, "\0", 1, true)
    local text = cut and sub(p, 1, cut - 1) or p
    local shape = { text = text, reach = -1, captures = 0 }
    if not find(text, SPECIALS) then
        shape.plain, shape.reach = true, BUDGET / (#p + 1)
        return shape
    end
    local powers, factor, captures = measured(text)
    if powers then
        shape.reach = powers == 0 and BUDGET or (BUDGET / factor) ^ (1 / powers)
        shape.captures = captures
    end
    return shape
end

local shapes, cached = {}, 0

-- A pattern's `reach`, the longest subject that C may search (-1: C may complain of it); `plain` where nothing is special.
local function shape(p)
    local found = shapes[p]
    if not found then
        if cached >= CACHED then
            shapes, cached = {}, 0
        end
        found = shape_of(p)
        shapes[p], cached = found, cached + 1
    end
    return found
end

-- The matcher

local sets, kept = {}, 0

-- The bytes that a class takes, by C's own reading of it.
local function set_of(class)
    local set = sets[class]
    if not set then
        if kept >= CACHED then
            sets, kept = {}, 0
        end
        set = {}
        for code = 0, 255 do
            set[code] = find(char(code), "^" .. class) == 1 or nil
        end
        sets[class], kept = set, kept + 1
    end
    return set
end

local STEPS = {} -- by kind of item: (state, item, place in the subject) -> end of the match or nil

local function item_at(state, at)
    local p = state.p
    local c = byte(p, at)
    local item = { at = at }
    if not c then
        item.kind = "end"
    elseif c == OPEN then
        local position = byte(p, at + 1) == CLOSE
        item.kind, item.next = position and "position" or "open", position and at + 2 or at + 1
    elseif c == CLOSE then
        item.kind, item.next = "close", at + 1
    elseif c == DOLLAR and at == #p then
        item.kind = "last"
    elseif c == PERCENT and find(p, "^[bf%d]", at + 1) then
        local letter = sub(p, at + 1, at + 1)
        item.kind = (letter == "b" and "balance") or (letter == "f" and "frontier") or "back"
    else
        local stop, wrong = class_end(p, at)
        if not stop then
            fail(wrong)
        end
        local class, quantifier = sub(p, at, stop - 1), byte(p, stop)
        item.set = set_of((c == CARET or c == DOLLAR) and "%" .. class or class)
        item.kind = (quantifier == OPTION and "optional") or (quantifier == STAR and "many")
            or (quantifier == PLUS and "more") or (quantifier == MINUS and "few") or "one"
        item.next = item.kind == "one" and stop or stop + 1
    end
    state.items[at] = item
    return item
end

-- Where the match of the pattern from `p` on ends that begins at `at`, or nil.
local function match(state, at, p)
    local items, s = state.items, state.s
    local item = items[p] or item_at(state, p)
    while item.kind == "one" do
        if not item.set[byte(s, at) or -1] then
            return nil
        end
        at, p = at + 1, item.next
        item = items[p] or item_at(state, p)
    end
    state.depth = state.depth + 1
    if state.depth > DEEPEST_IN_LUA then
        fail("pattern too complex")
    end
    local stop = STEPS[item.kind](state, item, at)
    state.depth = state.depth - 1
    return stop
end

STEPS["end"] = function(_, _, at)
    return at
end

function STEPS.last(state, _, at)
    return at == #state.s + 1 and at or nil
end

function STEPS.optional(state, item, at)
    local stop = item.set[byte(state.s, at) or -1] and match(state, at + 1, item.next)
    return stop or match(state, at, item.next)
end

local function most(state, item, at, least)
    local s, set, stop = state.s, item.set, at
    while set[byte(s, stop) or -1] do
        stop = stop + 1
    end
    for from = stop, at + least, -1 do
        local found = match(state, from, item.next)
        if found then
            return found
        end
    end
    return nil
end

function STEPS.many(state, item, at)
    return most(state, item, at, 0)
end

function STEPS.more(state, item, at)
    return most(state, item, at, 1)
end

function STEPS.few(state, item, at)
    local s, set = state.s, item.set
    while true do
        local found = match(state, at, item.next)
        if found then
            return found
        elseif not set[byte(s, at) or -1] then
            return nil
        end
        at = at + 1
    end
end

local UNFINISHED, POSITION = -1, -2

local function capture(state, item, at, size)
    local level = state.level + 1
    if level > MAX_CAPTURES then
        fail("too many captures")
    end
    state.starts[level], state.sizes[level], state.level = at, size, level
    local stop = match(state, at, item.next)
    if not stop then
        state.level = level - 1
    end
    return stop
end

function STEPS.open(state, item, at)
    return capture(state, item, at, UNFINISHED)
end

function STEPS.position(state, item, at)
    return capture(state, item, at, POSITION)
end

function STEPS.close(state, item, at)
    local level = state.level
    while level > 0 and state.sizes[level] ~= UNFINISHED do
        level = level - 1
    end
    if level == 0 then
        fail("invalid pattern capture")
    end
    state.sizes[level] = at - state.starts[level]
    local stop = match(state, at, item.next)
    if not stop then
        state.sizes[level] = UNFINISHED
    end
    return stop
end

function STEPS.balance(state, item, at)
    local s, p = state.s, state.p
    local first, last = byte(p, item.at + 2, item.at + 3)
    if not last then
        fail("unbalanced pattern")
    elseif byte(s, at) ~= first then
        return nil
    end
    local open = 1
    for stop = at + 1, #s do
        local c = byte(s, stop)
        if c == last then
            open = open - 1
            if open == 0 then
                return match(state, stop + 1, item.at + 4)
            end
        elseif c == first then
            open = open + 1
        end
    end
    return nil
end

function STEPS.frontier(state, item, at)
    local s, p = state.s, state.p
    if byte(p, item.at + 2) ~= BRACKET then
        fail("missing '[' after '%f' in pattern")
    end
    local stop, wrong = class_end(p, item.at + 2)
    if not stop then
        fail(wrong)
    end
    local set = set_of(sub(p, item.at + 2, stop - 1))
    if set[byte(s, at - 1) or 0] or not set[byte(s, at) or 0] then
        return nil
    end
    return match(state, at, stop)
end

function STEPS.back(state, item, at)
    local level = byte(state.p, item.at + 1) - 48
    if level < 1 or level > state.level or state.sizes[level] == UNFINISHED then
        fail("invalid capture index")
    end
    local start, size = state.starts[level], state.sizes[level]
    if size == POSITION or sub(state.s, at, at + size - 1) ~= sub(state.s, start, start + size - 1) then
        return nil
    end
    return match(state, at + size, item.at + 2)
end

local function captures(state)
    local values = {}
    for level = 1, state.level do
        local start, size = state.starts[level], state.sizes[level]
        if size == UNFINISHED then
            fail("unfinished capture")
        end
        values[level] = size == POSITION and start or sub(state.s, start, start + size - 1)
    end
    return unpack(values, 1, state.level)
end

-- As string.find(s, p, from) answers: the first match at or behind `from`, its end and its captures.
local function search(s, p)
    local cut = find(p, "\0", 1, true)
    local state = { s = s, p = cut and sub(p, 1, cut - 1) or p, items = {}, starts = {}, sizes = {} }
    local anchored = byte(p, 1) == CARET
    return function(from)
        for at = from, anchored and from or #s + 1 do
            state.level, state.depth = 0, 0
            local stop = match(state, at, anchored and 2 or 1)
            if stop then
                return at, stop - 1, captures(state)
            end
        end
        return nil
    end
end

return { shape = shape, search = search, BUDGET = BUDGET }
