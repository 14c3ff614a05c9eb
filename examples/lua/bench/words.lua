-- Text: words of a generated text are found by patterns, counted in a table, sorted and formatted.
local size = tonumber(arg[1]) or 5000

local state = 1
local function random(n)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % n
end

local syllables = { "ka", "lo", "mi", "ne", "ru", "sha", "ti", "vo" }
local buffer = {}
for i = 1, size do
    local word = ""
    for _ = 1, 1 + random(3) do word = word .. syllables[1 + random(#syllables)] end
    buffer[i] = i % 10 == 0 and word:gsub("^%l", string.upper) .. ". " or word .. " "
end
local text = table.concat(buffer)

local counts = {}
for word in text:gmatch("%a+") do
    word = word:lower()
    counts[word] = (counts[word] or 0) + 1
end
local words = {}
for word in pairs(counts) do words[#words + 1] = word end
table.sort(words, function(a, b) return counts[a] > counts[b] or counts[a] == counts[b] and a < b end)
for i = 1, 5 do print(("%-10s %6d %5.2f%%"):format(words[i], counts[words[i]], 100 * counts[words[i]] / size)) end

local hash = 0
for line in text:gsub("(%a+) (%a+)", "%2-%1"):gmatch("[^.]+") do
    for i = 1, #line, 3 do hash = (hash * 31 + line:byte(i)) % 4294967296 end
end
print(#text, #words, hash)
