-- Five bodies under gravity: floating point in table fields.
local steps = tonumber(arg[1]) or 2000

local function body(x, y, z, vx, vy, vz, mass) return { x = x, y = y, z = z, vx = vx, vy = vy, vz = vz, mass = mass } end
local bodies = {
    body(0, 0, 0, 0, 0, 0, 40),
    body(5, -1, -0.1, 0.6, 2.8, -0.02, 0.04),
    body(8, 4, -0.4, -1.0, 1.8, 0.008, 0.01),
    body(13, -15, -0.2, 1.1, 0.9, -0.01, 0.002),
    body(15, -26, 0.2, 1.0, 0.6, -0.03, 0.002),
}

local function advance(dt)
    for i = 1, #bodies do
        local a = bodies[i]
        for j = i + 1, #bodies do
            local b = bodies[j]
            local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
            local square = dx * dx + dy * dy + dz * dz
            local force = dt / (square * math.sqrt(square))
            local on_a, on_b = b.mass * force, a.mass * force
            a.vx, a.vy, a.vz = a.vx - dx * on_a, a.vy - dy * on_a, a.vz - dz * on_a
            b.vx, b.vy, b.vz = b.vx + dx * on_b, b.vy + dy * on_b, b.vz + dz * on_b
        end
    end
    for _, a in ipairs(bodies) do
        a.x, a.y, a.z = a.x + dt * a.vx, a.y + dt * a.vy, a.z + dt * a.vz
    end
end

local function energy()
    local sum = 0
    for i, a in ipairs(bodies) do
        sum = sum + a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz) / 2
        for j = i + 1, #bodies do
            local b = bodies[j]
            sum = sum - a.mass * b.mass / math.sqrt((a.x - b.x) ^ 2 + (a.y - b.y) ^ 2 + (a.z - b.z) ^ 2)
        end
    end
    return sum
end

print(("%.12f"):format(energy()))
for _ = 1, steps do advance(0.001) end
print(("%.12f"):format(energy()))
