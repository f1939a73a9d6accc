-- How a script is watched while it runs, and how it is ended whatever it does.
--
-- Lua's count hook asks the host every so many instructions whether the script may go on; meanwhile the host may put it
-- aside. A script that is to end is `killed`: from then on every catch throws again, so that none of its code runs.
-- Libraries catch errors with `pcall` of this module, which scripts' own catches are built on, too.
--
-- At Lua's limit of nested C calls the hook, being a call itself, fails like any other. Such an error, and one for want
-- of memory, makes each catch ask the host in its place: calls of C from Lua's code nest no deeper.

local host = ...
local as_function = python.as_function
local gethook, sethook = debug.gethook, debug.sethook
local type, error, pcall, find, gsub, sub = type, error, pcall, string.find, string.gsub, string.sub

local FIRST = host.first_interval
local LARGE, CAUTIOUS = 100000, 16
local LINES = 100
local KILLED = { source = false, line = 1 }
local EXHAUSTED = { "stack overflow", "not enough memory", "error in error handling" }
local describe, tick = as_function(host.describe), as_function(host.tick)
local killed, over = false, false
local watch = { KILLED = KILLED }
local MASK = host.arrived and "l" or "" -- a debugger is told of lines

local function stop()
    killed = true
    error(KILLED, 0)
end

watch.stop = stop

-- A line, under a debugger. Instructions are counted in the hook, too, but no hook comes there: so lines are counted.
local lines = 0
local function pass(line)
    lines = lines + 1
    if lines % LINES == 0 and not tick(0) then
        stop()
    end
    watch.on_line(line)
end

local function hook(event, line)
    if event == "line" then
        return killed or pass(line)
    end
    local _, _, interval = gethook()
    local following = tick(interval)
    if following ~= interval then
        if not following then
            if over then
                return
            end
            stop()
        end
        sethook(hook, MASK, following)
    end
end

-- Ask the host out of turn: before and between what takes long without Lua's instructions. Where there are texts of
-- `size` bytes, a single instruction may take long, too: the hook then comes soon.
local function breathe(size)
    if not tick(0) then
        stop()
    elseif size and size > LARGE then
        watch.beware()
    end
end
watch.breathe = breathe

-- Large texts are about.
function watch.beware()
    sethook(hook, MASK, CAUTIOUS)
end

-- A script begins; called only where one before it was killed, or had got a long interval.
function watch.begin()
    killed, over = false, false
    sethook(hook, MASK, FIRST)
end

function watch.killed()
    return killed
end

-- An error that nothing in the script catches was thrown: only our own code runs on.
function watch.ends()
    over = true
end

-- Each coroutine needs a hook of its own.
function watch.thread(thread)
    sethook(thread, hook, MASK, FIRST)
    return thread
end
function watch.on_line() end
sethook(hook, MASK, FIRST)

-- An error without the place where a function written here called one of Lua's: that is none of the script's.
local function without_place(message)
    return (gsub(message, "^pyredis:%d+: ", "", 1))
end
watch.without_place = without_place

-- An error of the host's as the table that Redis has; for use where nothing may be thrown.
local function translated(e)
    if type(e) == "userdata" then
        local line, counted = describe(e)
        if line then
            return { err = line, ignore_error_stats_update = counted }
        elseif line == false then
            killed = true
        end
    end
    return e
end
watch.translated = translated

-- What a catch caught, as the script may see it. A kill goes on.
local function caught(e)
    e = translated(e)
    if type(e) == "string" then
        e = without_place(e)
        local ending = sub(e, -80)
        for at = 1, #EXHAUSTED do
            if find(ending, EXHAUSTED[at], 1, true) then
                breathe()
            end
        end
    end
    if killed then
        error(KILLED, 0)
    end
    return e
end
watch.caught = caught

-- What `pcall` or `resume` answered.
local function settled(ok, ...)
    if ok then
        return ok, ...
    end
    return false, caught((...))
end
watch.settled = settled

function watch.pcall(...)
    return settled(pcall(...))
end

return watch
