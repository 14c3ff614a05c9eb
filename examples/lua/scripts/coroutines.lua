-- Coroutines: generators, errors in them, producers and consumers, yields across calls of C.
local function generate(n)
    return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end)
end
for i in generate(5) do io.write(i, " ") end
print()

local co = coroutine.create(function(a, b)
    print("started", a, b)
    local c = coroutine.yield(a + b)
    print("resumed", c)
    local d, e = coroutine.yield(c * 2)
    return d + e, "end"
end)
print(coroutine.resume(co, 1, 2))
print(coroutine.status(co), coroutine.resume(co, 10))
print(coroutine.resume(co, 3, 4))
print(coroutine.status(co), coroutine.resume(co))

local failing = coroutine.create(function() coroutine.yield() error({ code = 7 }) end)
coroutine.resume(failing)
local ok, problem = coroutine.resume(failing)
print(ok, problem.code, coroutine.status(failing))
print(pcall(coroutine.wrap(function() error("message", 0) end)))

local function permutations(items, n)
    n = n or #items
    if n <= 1 then coroutine.yield(items) end
    for i = 1, n do
        items[n], items[i] = items[i], items[n]
        permutations(items, n - 1)
        items[n], items[i] = items[i], items[n]
    end
end
for p in coroutine.wrap(function() permutations { "a", "b", "c" } end) do io.write(table.concat(p), " ") end
print()

-- Yields through pcall, metamethods, table.sort and string.gsub.
local through = coroutine.wrap(function()
    local ok, result = pcall(function() return coroutine.yield("in pcall") + 1 end)
    coroutine.yield(ok and result)
    local object = setmetatable({}, { __add = function(_, n) return coroutine.yield("in __add") * n end })
    coroutine.yield(object + 6)
    return pcall(table.sort, { 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)
end)
print(through(), through(41), through(), through(7), through())

local function filter(source, keep)
    return coroutine.wrap(function() for x in source do if keep(x) then coroutine.yield(x) end end end)
end
local primes, source = {}, coroutine.wrap(function() local n = 1 while true do n = n + 1 coroutine.yield(n) end end)
for _ = 1, 60 do
    local prime = source()
    primes[#primes + 1] = prime
    source = filter(source, function(n) return n % prime ~= 0 end)
end
print(table.concat(primes, " "))

print(coroutine.isyieldable(), select(2, coroutine.running()))
local closing = coroutine.create(function()
    local guard <close> = setmetatable({}, { __close = function() print("closed with its coroutine") end })
    coroutine.yield()
end)
coroutine.resume(closing)
print(coroutine.close(closing), coroutine.status(closing))

local function deep(n) if n == 0 then coroutine.yield("bottom") else deep(n - 1) end return n end
local climber = coroutine.wrap(function() return deep(10000) end)
print(climber(), climber())
local many = {}
for i = 1, 2000 do many[i] = coroutine.wrap(function() local s = i while true do s = s + coroutine.yield(s) end end) end
local total = 0
for i = 1, 2000 do total = total + many[i]() + many[i](i) end
print(total)
