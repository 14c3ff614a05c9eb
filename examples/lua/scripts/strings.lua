-- Formatting, patterns, packing and UTF-8.
local function show(...) print(string.format(...)) end

show("%d %5d|%-5d|%05d %+d %i", 42, 42, 42, 42, 42, -7)
show("%x %X %#x %o %c%c", 255, 255, 255, 8, 80, 86)
show("%f %.3f %10.2f|%-10.2f| %e %E", math.pi, math.pi, math.pi, math.pi, 12345.678, 0.00012)
show("%g %g %g %g %.14g %.17g", 1e15, 1e16, 1e-4, 1e-5, 0.1, 0.1)
show("%a %a %a", 1, 0.5, -3.75)
show("%s|%10s|%-10s|%.3s", "text", "text", "text", "text")
show("%q", 'a "quoted"\nline\0end\\')
show("%q %q %q", 1 / 3, math.mininteger, 7)
print(1e15, 1e16, 2 ^ 53, 2 ^ 63, -0.0, 1 / 0, -1 / 0, 100 // 1e0, 3 | 0)
print(math.maxinteger, math.mininteger, math.maxinteger + 1 == math.mininteger, 7 // -2, 7 % -2, -7 // 2, -7 % 2)
print(7.5 // 2, -7.5 % 2, 5 // 0.0, pcall(function() return 5 // 0 end))
print(tonumber("0x1p4"), tonumber("  12  "), tonumber("12a"), tonumber("zz", 36), tonumber("1e1"), tonumber(""), "10" + 5)
print(math.type(1), math.type(1.0), math.type("1"), math.tointeger(3.0), math.tointeger(3.5), 3 == 3.0)

print(("hello world"):find("o w"), ("hello world"):find("(o)(.)"), ("a.b"):find(".", 1, true))
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"))
print(("2024-01-31"):gsub("(%d+)-(%d+)-(%d+)", "%3.%2.%1"))
print(("abc"):gsub("%w", { a = "1", b = false }))
print(("abc"):gsub("", "-"))
print(("THE (quick) fox"):find("%((%a+)%)"), ("f(a(b)c)d"):match("%b()"), ("THE fox"):gsub("%f[%a]%a+", string.lower))
for word, number in ("one=1, two=2, three=3"):gmatch("(%w+)=(%w+)") do io.write(word, ":", number, " ") end
print()
print(("x"):rep(5, "-"), ("abc"):reverse(), ("MiXed"):upper(), ("MiXed"):lower(), #("\0\0"), ("abc"):byte(1, -1))
print(string.char(72, 105), ("abcdef"):sub(-3, -2), ("abcdef"):sub(0), ("abcdef"):sub(10))

local packed = string.pack("<i4 >i4 z s1 d", -2, 258, "zero", "short", 1.5)
print(#packed, string.unpack("<i4 >i4 z s1 d", packed))
print(packed:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
print(string.packsize("!8 b i8 h"), pcall(string.pack, "i1", 200))

print(utf8.char(228, 8364, 128512), utf8.len("äöü€"), #"äöü€", utf8.codepoint("€", 1), utf8.offset("äöü", 3))
for position, code in utf8.codes("aä€") do io.write(position, "=", code, " ") end
print(utf8.len("\xff"))
print(table.concat({ 1, 2.5, "x" }, ", "), table.unpack({ 1, 2, 3 }, 2), select("#", nil, nil), select(-1, "a", "b"))
