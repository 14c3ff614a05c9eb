-- Pancake flips over all permutations of 1..n: integer tables and short loops.
local n = tonumber(arg[1]) or 7

local function fannkuch(n)
    local order, flipped, count = {}, {}, {}
    for i = 1, n do order[i], count[i] = i, i end
    local most, checksum, sign = 0, 0, 1
    while true do
        if order[1] ~= 1 then
            for i = 1, n do flipped[i] = order[i] end
            local flips, first = 0, flipped[1]
            repeat
                local low, high = 1, first
                while low < high do
                    flipped[low], flipped[high] = flipped[high], flipped[low]
                    low, high = low + 1, high - 1
                end
                flips, first = flips + 1, flipped[1]
            until first == 1
            if flips > most then most = flips end
            checksum = checksum + sign * flips
        end
        -- The next permutation: a swap in turn with a rotation, so that signs alternate.
        if sign == 1 then
            order[1], order[2] = order[2], order[1]
            sign = -1
        else
            order[2], order[3] = order[3], order[2]
            sign = 1
            for i = 3, n do
                if count[i] ~= 1 then
                    count[i] = count[i] - 1
                    break
                end
                if i == n then return checksum, most end
                count[i] = i
                local first = order[1]
                for j = 1, i do order[j] = order[j + 1] end
                order[i + 1] = first
            end
        end
    end
end
print(fannkuch(n))
