// Checks the standard library of C++ in the SDK from inside: each check that fails is printed. Without streams, for size.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <expected>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <typeinfo>
#include <unordered_map>
#include <variant>
#include <vector>

static int failures;

#define CHECK(condition) \
	do { \
		if (!(condition)) printf("line %d: %s\n", __LINE__, #condition), failures++; \
	} while (0)

static std::vector<int> numbers(int count)
{
	std::vector<int> values(count);
	std::iota(values.begin(), values.end(), 0);
	std::shuffle(values.begin(), values.end(), std::mt19937(7));
	return values;
}

static void strings()
{
	using namespace std::literals;
	std::string text = "short";
	for (int i = 0; i < 1000; i++) text += std::to_string(i);
	CHECK(text.size() == 5 + 10 + 180 + 2700 && text.find("998999") == text.size() - 6 && text.substr(0, 7) == "short01");
	CHECK(std::stoi("-42") == -42 && std::stod("2.5e3") == 2500 && std::stoull("ff", nullptr, 16) == 255);
	CHECK("b"s > "a"s && "abc"sv.starts_with("ab") && (text.clear(), text.empty()) && std::to_string(1.5) == "1.500000");
	std::wstring wide = L"w\u00e4";
	std::u32string code_points = U"\U0001f600";
	CHECK(wide.size() == 2 && code_points[0] == 0x1f600);
	char digits[32];
	auto [end, error] = std::to_chars(digits, digits + sizeof digits, -255, 16);
	CHECK(error == std::errc() && std::string_view(digits, end) == "-ff");
	long number = 0;
	CHECK(std::from_chars("123x", digits, number).ec == std::errc() && number == 123);
	CHECK(std::from_chars("x", digits, number).ec == std::errc::invalid_argument);
}

static void sequences()
{
	auto values = numbers(5000);
	auto copy = values;
	std::sort(values.begin(), values.end());
	CHECK(std::ranges::is_sorted(values) && values[4999] == 4999 && std::ranges::binary_search(values, 77));
	std::stable_sort(copy.begin(), copy.end(), [](int a, int b) { return a % 10 < b % 10; });
	CHECK(copy[499] % 10 == 0 && copy[500] % 10 == 1);
	std::nth_element(copy.begin(), copy.begin() + 2500, copy.end(), std::greater<>());
	CHECK(copy[2500] == 2499);
	CHECK(std::accumulate(values.begin(), values.end(), 0L) == 5000L * 4999 / 2);
	values.erase(std::remove_if(values.begin(), values.end(), [](int value) { return value % 2; }), values.end());
	values.insert(values.begin() + 1, {-1, -2, -3});
	CHECK(values.size() == 2503 && values[3] == -3 && values[4] == 2);
	auto squares = values | std::views::filter([](int value) { return value > 0; }) | std::views::take(3)
		| std::views::transform([](int value) { return value * value; });
	CHECK(std::ranges::equal(squares, std::array{4, 16, 36}));
	std::deque<std::string> words;
	for (int i = 0; i < 300; i++) words.insert(i % 2 ? words.begin() : words.end(), std::to_string(i));
	CHECK(words.front() == "299" && words.back() == "298" && words[150] == "0");
	std::list<int> list = {3, 1, 2}, more = {9, 8};
	list.splice(list.begin(), more);
	list.sort();
	CHECK(list.size() == 5 && list.front() == 1 && list.back() == 9 && more.empty());
	std::priority_queue<int> queue(copy.begin(), copy.end());
	CHECK(queue.top() == 4999 && std::span(copy).subspan(1, 2).size() == 2);
}

static void tables()
{
	std::map<std::string, std::vector<int>> sorted;
	std::unordered_map<std::string, int> hashed;
	for (int value : numbers(5000)) {
		sorted[std::to_string(value % 100)].push_back(value);
		hashed.emplace("key " + std::to_string(value), value);
	}
	CHECK(sorted.size() == 100 && sorted.begin()->first == "0" && sorted.at("77").size() == 50 && sorted.lower_bound("98x")->first == "99");
	CHECK(hashed.size() == 5000 && hashed.at("key 1234") == 1234 && !hashed.contains("key"));
	for (int i = 0; i < 5000; i += 2) hashed.erase("key " + std::to_string(i));
	CHECK(hashed.size() == 2500 && hashed.find("key 2") == hashed.end());
	std::multiset<int> many = {1, 2, 2, 3};
	CHECK(many.count(2) == 2 && std::set<int>(many.begin(), many.end()).size() == 3);
}

static int alive;

struct Shape {
	Shape() { alive++; }
	Shape(const Shape &) = delete;
	virtual ~Shape() { alive--; }
	virtual double area() const = 0;
};

struct Named {
	virtual ~Named() = default;
	std::string name = "circle";
};

struct Circle : Shape, Named {
	explicit Circle(double radius) : radius(radius) {}
	double area() const override { return M_PI * radius * radius; }
	double radius;
};

struct Square : Shape {
	double area() const override { return 1; }
};

static std::expected<int, std::string> half(int value)
{
	if (value % 2) return std::unexpected("odd");
	return value / 2;
}

static void objects()
{
	{
		std::vector<std::unique_ptr<Shape>> shapes;
		shapes.push_back(std::make_unique<Circle>(2));
		shapes.push_back(std::make_unique<Square>());
		CHECK(alive == 2 && std::abs(shapes[0]->area() - 12.566370614359172) < 1e-12);
		auto *named = dynamic_cast<Named *>(shapes[0].get());
		CHECK(named && named->name == "circle" && !dynamic_cast<Named *>(shapes[1].get()));
		Shape &second_shape = *shapes[1];
		CHECK(typeid(second_shape) == typeid(Square) && typeid(Square) != typeid(Circle));
		auto shared = std::make_shared<Circle>(1);
		std::weak_ptr<Circle> weak = shared;
		auto second = shared;
		CHECK(shared.use_count() == 2 && weak.lock() == second);
		shared.reset(), second.reset();
		CHECK(weak.expired());
	}
	CHECK(alive == 0);
	int base = 40;
	std::function<int(int)> add = [&base](int value) { return base + value; };
	CHECK(add(2) == 42 && std::bind(add, 3)() == 43);
	std::variant<int, std::string> either = "text";
	CHECK(either.index() == 1 && std::get<std::string>(either) == "text" && !std::get_if<int>(&either));
	CHECK(std::visit([](auto &value) { return sizeof value; }, either) == sizeof(std::string));
	std::optional<std::string> maybe;
	CHECK(maybe.value_or("none") == "none" && half(8).value() == 4 && half(7).error() == "odd");
	CHECK(std::popcount(255u) == 8 && std::countl_zero(uint16_t{1}) == 15 && std::bit_cast<uint64_t>(1.0) == 0x3ff0000000000000);
	std::array<std::byte, 4096> buffer;
	std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size());
	std::pmr::vector<int> pooled(100, 7, &resource);
	CHECK(reinterpret_cast<std::byte *>(pooled.data()) >= buffer.data() && pooled[99] == 7);
	struct alignas(64) Wide { char bytes[64]; };
	auto wide = std::make_unique<Wide[]>(3);
	CHECK(reinterpret_cast<uintptr_t>(wide.get()) % 64 == 0);
}

static void numerics()
{
	std::mt19937_64 generator;
	generator.discard(9999);
	CHECK(generator() == 9981545732273789042u);
	std::normal_distribution<double> normal(10, 2);
	double sum = 0;
	for (int i = 0; i < 2000; i++) sum += normal(generator);
	CHECK(std::abs(sum / 2000 - 10) < 0.2);
	CHECK(std::gcd(48, 36) == 12 && std::midpoint(1, 4) == 2 && std::lerp(0.0, 10.0, 0.25) == 2.5 && std::hypot(3.0, 4.0) == 5);
	using namespace std::chrono;
	auto start = steady_clock::now();
	CHECK(steady_clock::now() >= start && hours(1) + 30min == 90min && year_month_day(sys_days(days(11016))) == 2000y / 2 / 29);
}

struct Announced {
	explicit Announced(std::string text) : name(std::move(text)) { printf("%s made\n", name.c_str()); }
	~Announced() { printf("%s gone\n", name.c_str()); }
	std::string name;
};

static Announced first("first");
static Announced second("second, with a name that is too long for a short string");

int main()
{
	static Announced local("local");
	strings();
	sequences();
	tables();
	objects();
	numerics();
	printf("%d failures\n", failures);
	return failures ? 1 : 0;
}
