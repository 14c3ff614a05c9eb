-- Errors: every kind is caught, says where, and leaves the interpreter whole.
print(pcall(error, "plain", 0))
print(pcall(error, { 1 } and "table", 0), pcall(error), pcall(error, nil))
print(select("#", pcall(error)))
print(pcall(function() error("with position") end))
print(pcall(function() local t = nil; return t.field end))
print(pcall(function() local t = {}; t.a.b = 1 end))
print(pcall(function() return 1 + {} end))
print(pcall(function() return "a" + 1 end))
print(pcall(function() return {} .. "x" end))
print(pcall(function() return 1 < "2" end))
print(pcall(function() return #5 end))
print(pcall(function() undefined_function() end))
print(pcall(function() return 1.5 | 1 end))
print(pcall(function() return math.tointeger(2 ^ 53) << 1.5 end))
print(pcall(function() for i = 1, 10, 0 do end end))
print(pcall(function() local t = setmetatable({}, { __newindex = function() error("no writing", 2) end }) t.x = 1 end))
print(pcall(string.rep, "x", -1), pcall(string.rep))
print(pcall(setmetatable, 1, {}))
print(pcall(next, {}, "nope"))
print(pcall(string.format, "%d", 1.5))
print(pcall(string.rep, "x", 1 << 40))
print(pcall(table.concat, { 1, {}, 3 }))
print(pcall(load, "x = = 1"))
print(load("x = = 1", "=chunk"))
print(load("for", "=chunk"))
print(load("x = 'unfinished", "=chunk"))
print(load("goto nowhere", "=chunk"))

local function handler(message) return "handled: " .. tostring(message) end
print(xpcall(function() error("inner", 0) end, handler))
print(xpcall(function(a, b) return a + b end, handler, 3, 4))
print(xpcall(function() error(setmetatable({}, { __tostring = function() return "an object" end })) end, handler))
print(select(2, xpcall(function() error("x", 0) end, function() error("in handler", 0) end)))

-- Stack overflows: of Lua, of C, in patterns and in the parser.
local function forever(n) return 1 + forever(n + 1) end
local ok, message = pcall(forever, 1)
print(ok, message:match("stack overflow"))
local t = setmetatable({}, {})
getmetatable(t).__index = function(_, k) return t[k .. "x"] end
ok, message = pcall(function() return t.a end)
print(ok, message:match("C stack overflow"))
ok, message = pcall(string.find, ("a"):rep(300000), (".-"):rep(300000) .. "b")
print(ok, message)
print(select(2, load(("("):rep(1000) .. "1" .. (")"):rep(1000), "=nested")))
local nested = "x"
for _ = 1, 150 do nested = "{" .. nested .. "}" end
print(load("return " .. nested) ~= nil)

-- A hundred thousand of them, each through setjmp and longjmp.
local caught = 0
for i = 1, 100000 do
    local ok, e = pcall(error, i)
    if not ok and e == i then caught = caught + 1 end
end
print(caught)
local function nest(n) if n == 0 then error("deep", 0) end local ok, e = pcall(nest, n - 1) error(e .. ".", 0) end
ok, message = pcall(nest, 50)
print(#message, message:sub(1, 10))
print(debug.traceback("trace", 1):match("^[^\n]*\n[^\n]*"))
local info = debug.getinfo(1, "Sl")
print(info.short_src, info.currentline, debug.getinfo(print).what)
print(assert(true, "unused"), pcall(assert, false, "asserted"), pcall(assert, nil))
