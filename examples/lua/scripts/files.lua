-- Files: the io library and what of os works without a system around it.
local name = "files.tmp"
print(io.open("missing/file", "r"))
print(io.type(io.stdout), io.type(42))
print(pcall(io.open, name, "nonsense"))

local file = assert(io.open(name, "w"))
print(file:write("first line\n", 2, " ", 3.5, "\n", "third\n") == file, file:seek("cur"), file:close())
print(pcall(file.write, file, "x"), io.type(file))
for line in io.lines(name) do io.write("[", line, "]") end
print()
for number, rest in io.lines(name, 5, "L") do io.write(number, "|", rest) end

file = assert(io.open(name, "r+"))
print(file:read("l", "n", "n", "l", "L", "a", "a", "l"))
print(file:seek("set", 6), file:read(4), file:seek("end"), file:read(1), file:read(0), file:seek("set", -1))
print(file:seek("set", 0), file:write("FIRST") == file, io.type(file:flush()), file:seek("set"))
print(file:read("a"))
file:close()

file = assert(io.open(name, "a+"))
file:write("appended")
file:seek("set", 0)
print(#file:read("a"))
file:close()
print((io.open(name, "r"):write("x")))

file = assert(io.open(name, "wb"))
for _, mode in ipairs { "no", "full", "line" } do print(mode, file:setvbuf(mode, 1024)) end
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
local block = table.concat(all)
for _ = 1, 1000 do file:write(block) end
file:close()
file = assert(io.open(name, "rb"))
print(file:seek("end"), file:seek("set", 256 * 500), file:read(256) == block, #file:read("a"))
file:close()

file = assert(io.open(name, "w"))
file:write("10 0x1F -3.5e2 .5 nan junk\n")
file:close()
file = assert(io.open(name))
print(file:read("n", "n", "n", "n", "n"))
file:close()

io.output(name)
io.write("by io.write\n")
io.close()
io.output(io.stdout)
io.input(name)
print(io.read("L"), io.read("L"))
io.close(io.input())
io.input(io.stdin)

print(os.rename(name, name .. ".new"), os.rename(name, "x"))
print(os.remove(name), os.remove(name .. ".new"))
do
    local handle <close> = assert(io.open(name, "w"))
    handle:write(("line\n"):rep(5000))
end
local count = 0
for _ in io.lines(name) do count = count + 1 end
print(count, os.remove(name))
print(pcall(io.lines, name))

file = assert(io.tmpfile())
file:write("temporary")
file:seek("set")
print(file:read("a"), file:close())
print(os.getenv("NO_SUCH_VARIABLE"), os.clock() >= 0, type(os.clock()))
print(os.date("!%Y-%m-%d %H:%M:%S %j %A %p", 1000000000), os.date("!*t", 86400).day)
print(os.time { year = 2000, month = 1, day = 1, hour = 12 } - os.time { year = 1999, month = 12, day = 31, hour = 12 })
print(os.setlocale(), os.setlocale("C"), pcall(os.date, "%Ez", 0))
print(os.difftime(10, 4))
