-- Binary trees made and dropped: allocation and the garbage collector.
local depth_max = tonumber(arg[1]) or 8

local function grow(depth)
    if depth == 0 then return {} end
    return { grow(depth - 1), grow(depth - 1) }
end
local function count(tree) return tree[1] and 1 + count(tree[1]) + count(tree[2]) or 1 end

local kept = grow(depth_max)
for depth = 4, depth_max, 4 do
    local rounds, nodes = 1 << (depth_max - depth + 4), 0
    for _ = 1, rounds do nodes = nodes + count(grow(depth)) end
    print(rounds, depth, nodes)
end
print(count(kept))
