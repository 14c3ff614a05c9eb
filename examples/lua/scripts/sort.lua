-- table.sort and its neighbours, on numbers from a generator of its own.
local state = 42
local function random()
    state = (state * 6364136223846793005 + 1442695040888963407)
    return (state >> 33)
end

local function check(t, less)
    for i = 2, #t do if less(t[i], t[i - 1]) then return false end end
    return true
end
local function ascending(a, b) return a < b end

for _, size in ipairs { 0, 1, 2, 3, 10, 100, 1000, 50000 } do
    local t, sum = {}, 0
    for i = 1, size do t[i] = random() % 10007 sum = sum + t[i] end
    table.sort(t)
    local after = 0
    for _, x in ipairs(t) do after = after + x end
    print(size, check(t, ascending), sum == after, t[1], t[#t])
end
local words = {}
for word in ("the quick brown fox jumps over the lazy dog and runs away"):gmatch("%a+") do words[#words + 1] = word end
table.sort(words)
print(table.concat(words, " "))
table.sort(words, function(a, b) if #a ~= #b then return #a > #b end return a < b end)
print(table.concat(words, " "))
local same, sorted, reversed = {}, {}, {}
for i = 1, 20000 do same[i], sorted[i], reversed[i] = 7, i, -i end
for _, t in ipairs { same, sorted, reversed } do
    table.sort(t)
    io.write(tostring(check(t, ascending)), " ")
end
print()
print(pcall(table.sort, { 1, "x", 2 }))
print(pcall(table.sort, { 3, 1, 2, 5, 4 }, function() return true end))

local t = { 1, 2, 3 }
table.insert(t, 4)
table.insert(t, 1, 0)
print(table.concat(t, " "), table.remove(t), table.remove(t, 1), table.concat(t, " "), table.remove({}))
print(table.concat(table.move({ 1, 2, 3, 4, 5 }, 2, 5, 1), " "), table.pack(1, nil, 3).n, pcall(table.insert, t, 9, 1))
local queue = {}
for i = 1, 1000 do table.insert(queue, random() % 1000 < 500 and 1 or #queue + 1, i) end
local hash = 0
for i, x in ipairs(queue) do hash = (hash * 31 + x * i) % 1000000007 end
print(#queue, hash)
print(math.ult(1, -1), math.max(3, 7.5, -1), math.min(2), math.fmod(-7, 3), math.modf(-3.7))
print(math.sin(1), math.exp(1), math.log(8, 2), math.log(100, 10), math.sqrt(2), math.floor(-3.5), math.ceil(-3.5))
math.randomseed(7)
local a = { math.random(100), math.random(5, 6), math.random() }
math.randomseed(7)
print(a[1] == math.random(100), a[2] == math.random(5, 6), a[3] == math.random())
