-- Closures, varargs, metatables, goto, to-be-closed variables, modules.
local function counter()
    local count = 0
    return function() count = count + 1 return count end, function() return count end
end
local step, value = counter()
step() step()
print(value(), select(2, counter())())

local functions = {}
for i = 1, 3 do functions[i] = function() i = i + 10 return i end end
print(functions[1](), functions[1](), functions[2](), functions[3]())

local function sum(...)
    local total = 0
    for _, number in ipairs { ... } do total = total + number end
    return total, select("#", ...)
end
print(sum(1, 2, 3), (sum(4, 5)))
print((function(...) local a, b = ... return b, a end)(1, 2))

local function compose(f, g) return function(...) return f(g(...)) end end
print(compose(math.abs, function(a, b) return a - b end)(3, 10))
local function depth(n) if n == 0 then return "tail call" end return depth(n - 1) end
print(depth(1000000))
local function ackermann(m, n)
    if m == 0 then return n + 1 end
    if n == 0 then return ackermann(m - 1, 1) end
    return ackermann(m - 1, ackermann(m, n - 1))
end
print(ackermann(2, 6))

local Vector = {}
Vector.__index = Vector
local function vector(x, y) return setmetatable({ x = x, y = y }, Vector) end
Vector.__add = function(a, b) return vector(a.x + b.x, a.y + b.y) end
Vector.__mul = function(a, k) return vector(a.x * k, a.y * k) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Vector.__lt = function(a, b) return a.x < b.x end
Vector.__le = function(a, b) return a.x <= b.x end
Vector.__len = function() return 2 end
Vector.__call = function(self, name) return self[name] end
Vector.__concat = function(a, b) return tostring(a) .. "&" .. tostring(b) end
Vector.__tostring = function(self) return "(" .. self.x .. ", " .. self.y .. ")" end
Vector.__unm = function(a) return vector(-a.x, -a.y) end
Vector.__band = function(a, b) return "and" end
local a, b = vector(1, 2), vector(3, 4)
print(tostring(a + b), tostring(a * 3), a == vector(1, 2), a < b, b <= a, #a, a("y"), a .. b, tostring(-a), a & b)

local log = {}
local proxy = setmetatable({}, {
    __index = function(_, key) log[#log + 1] = "get " .. key return key .. "!" end,
    __newindex = function(t, key, new) log[#log + 1] = "set " .. key rawset(t, key, new) end,
})
proxy.one = 1
print(proxy.one, proxy.two, rawget(proxy, "two"), table.concat(log, ","))
print(#setmetatable({}, { __pairs = nil, __metatable = "locked" }), getmetatable(setmetatable({}, { __metatable = "locked" })))

for i = 1, 3 do
    for j = 1, 3 do
        if j == 2 then goto continue end
        io.write(i, "/", j, " ")
        ::continue::
    end
end
print()
do
    local first <close> = setmetatable({}, { __close = function() print("first closed") end })
    local second <close> = setmetatable({}, { __close = function(_, e) print("second closed", e) end })
    local constant <const> = 5
    print("in the block", constant)
end
for i = 10, 1, -4 do io.write(i, " ") end
for x = 0.0, 1, 0.25 do io.write(x, " ") end
print()

local file = assert(io.open("module_of_closures.lua", "w"))
file:write("local name = ... return { name = name, twice = function(x) return 2 * x end }")
file:close()
local module = require "module_of_closures"
print(module.name, module.twice(21), require "module_of_closures" == module, os.remove("module_of_closures.lua"))
print(load("return 1 +")) 
print(load("local a, b = ... return a * b")(6, 7), type(load(function() return nil end)))
local dumped = string.dump(function(x) return x * x end)
print(load(dumped, "dumped", "b")(12), load(dumped, "dumped", "t"))
