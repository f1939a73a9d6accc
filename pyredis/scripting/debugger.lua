-- The debugger's side in Lua: what a script that stands still is asked, and values as its user reads them.
--
-- The line hook tells the host of each line of the script. Where it is to stop, the host is asked what to do until that
-- is to go on; the host answers by itself whatever does not need Lua. What is evaluated runs in a thread of its own,
-- since in a hook no other comes: so that can be ended, too.

local kit, chunk, globals = ...
local host, watch, shown = kit.host, kit.watch, kit.shown
local as_function = python.as_function
local arrived, request, told = as_function(host.arrived), as_function(host.request), as_function(host.told)
local told_capped, told_line = as_function(host.told_capped), as_function(host.told_line)
local quoted, number_text = as_function(host.quoted), as_function(host.number_text)
local getinfo, getlocal = debug.getinfo, debug.getlocal
local type, next, tostring, select, error = type, next, tostring, select, error
local concat, gsub, sub, find = table.concat, string.gsub, string.sub, string.find
local create, resume = coroutine.create, coroutine.resume

local SCRIPT = "@" .. host.chunk
local DEEPEST = 10
local evaluating = false

local text

local function table_text(t, level)
    local items, pairs_, n, is_array = {}, {}, 0, true
    for key, value in next, shown[t] or t do
        n = n + 1
        is_array = is_array and key == n
        items[n] = text(value, level)
        pairs_[n] = "[" .. text(key, level) .. "]=" .. items[n]
    end
    return "{" .. concat(is_array and items or pairs_, "; ") .. "}"
end

function text(value, level)
    local kind = type(value)
    if level == DEEPEST then
        return "<max recursion level reached! Nested table?>"
    elseif kind == "string" then
        return quoted(value)
    elseif kind == "number" then
        return value == 0 and 1 / value < 0 and "-0" or number_text(value)
    elseif kind == "boolean" or kind == "nil" then
        return tostring(value)
    elseif kind == "table" then
        return table_text(value, level + 1)
    elseif kind == "userdata" then
        return '"light-userdata@(nil)"' -- cjson.null: scripts have no other
    end
    return '"' .. gsub(tostring(value), ": ", "@", 1) .. '"'
end

local function is_script(info)
    return info.what ~= "C" and info.source == SCRIPT
end

-- Locals of the innermost function of the script.
local function print_all()
    local level = 1
    while not is_script(getinfo(level, "S")) do
        level = level + 1
    end
    local count, at = 0, 1
    local name, value = getlocal(level, at)
    while name do
        if name ~= "(*temporary)" then
            told_capped("<value> " .. name .. " = " .. text(value, 0))
            count = count + 1
        end
        at = at + 1
        name, value = getlocal(level, at)
    end
    if count == 0 then
        told("No local variables in the current context.")
    end
end

-- The first local of this name, from the innermost function outwards.
local function print_one(wanted)
    local level = 1
    local info = getinfo(level, "S")
    while info do
        if is_script(info) then
            local at = 1
            local name, value = getlocal(level, at)
            while name do
                if name == wanted then
                    return told_capped("<value> " .. text(value, 0))
                end
                at = at + 1
                name, value = getlocal(level, at)
            end
        end
        level = level + 1
        info = getinfo(level, "S")
    end
    if wanted == "KEYS" or wanted == "ARGV" then
        return told_capped("<value> " .. text(globals[wanted], 0))
    end
    told("No such variable.")
end

local function trace()
    local level, word = 1, "In "
    local info = getinfo(level, "Snl")
    while info do
        if is_script(info) then
            told(word .. (info.name or "top level") .. ":")
            told_line(info.currentline)
            word = "From "
        end
        level = level + 1
        info = getinfo(level, "Snl")
    end
end

local function evaluate(code)
    local f, message = chunk("return " .. code, "@ldb_eval")
    if not f then
        f, message = chunk(code, "@ldb_eval")
    end
    if not f then
        return told("<error> " .. message)
    end
    evaluating = true
    local ok, value = resume(watch.thread(create(f)))
    evaluating = false
    if ok then
        return told_capped("<retval> " .. text(value, 0))
    end
    value = watch.caught(value)
    told("<error> " .. tostring(type(value) == "table" and value.err or value))
end

local ANSWERS = { all = print_all, one = print_one, trace = trace, eval = evaluate }

local debugger = {}

function debugger.on_line(line)
    if evaluating or not is_script(getinfo(4, "S")) or not arrived(line) then
        return
    end
    while true do
        local wish, word = request()
        if wish == "go" then
            return
        elseif wish == "abort" then
            error({ err = "ERR script aborted for user request" }, 0)
        elseif wish == "gone" then
            watch.stop()
        end
        ANSWERS[wish](word)
    end
end

-- redis.debug: values for whoever watches, wherever the script is.
function debugger.debug(...)
    local texts = {}
    for at = 1, select("#", ...) do
        texts[at] = text((select(at, ...)), 0)
    end
    told("<debug> line " .. host.line_now() .. ": " .. concat(texts, ", "))
end

return debugger
