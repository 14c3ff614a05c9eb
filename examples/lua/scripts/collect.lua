-- The garbage collector under load: weak tables, finalizers, both modes, memory that stays bounded.
local function fill(rounds)
    local live = {}
    for i = 1, rounds do
        live[i % 100] = { number = i, text = ("item %d"):format(i), inner = { i, { i } }, f = function() return i end }
    end
    local sum = 0
    for _, item in pairs(live) do sum = sum + item.number + item.inner[2][1] + item.f() + #item.text end
    return sum
end

for _, mode in ipairs { "incremental", "generational", "incremental" } do
    collectgarbage(mode)
    print(mode, fill(10000))
end
collectgarbage("incremental", 100, 400)
print(fill(10000))
collectgarbage("incremental", 200, 100)

local weak, strong = setmetatable({}, { __mode = "v" }), {}
for i = 1, 100 do
    local object = { i }
    weak[i] = object
    if i % 10 == 0 then strong[#strong + 1] = object end
end
collectgarbage()
local left = 0
for _ in pairs(weak) do left = left + 1 end
print(left, #strong)

local ephemeron = setmetatable({}, { __mode = "k" })
do
    local key = {}
    ephemeron[key] = { key }
end
collectgarbage()
print(next(ephemeron))

local finalized = {}
for i = 1, 5 do setmetatable({}, { __gc = function() finalized[#finalized + 1] = i end }) end
collectgarbage()
print(table.concat(finalized, " "))

local resurrected
setmetatable({ name = "back" }, { __gc = function(object) resurrected = object end })
collectgarbage()
print(resurrected.name)

collectgarbage()
local before = collectgarbage("count")
for _ = 1, 8 do local big = ("x"):rep(1 << 20) .. "y" assert(#big == (1 << 20) + 1) end
local t = {}
for i = 1, 50000 do t[i] = i end
for i = 1, 50000 do t[i] = nil end
t = nil
collectgarbage()
print(collectgarbage("count") - before < 100, collectgarbage("isrunning"))

local text = {}
for i = 1, 20000 do text[#text + 1] = tostring(i) .. ";" end
local joined = table.concat(text)
local hash = 5381
for i = 1, #joined do hash = (hash * 33 + joined:byte(i)) & 0xffffffff end
print(#joined, hash)
