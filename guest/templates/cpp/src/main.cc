// A guest. `pvm build` and `pvm run` run it. Every C and C++ file in src is compiled. There are no exceptions. The standard library of
// C++ and run-time type information come with `pvm build --libcxx`; this needs only that of C.
#include <stdio.h>

class Greeter {
public:
	explicit Greeter(const char *greeting) : greeting(greeting) {}
	virtual ~Greeter() = default;
	virtual void greet(const char *name) const { printf("%s, %s!\n", greeting, name); }

private:
	const char *greeting;
};

static const Greeter *greeter = new Greeter("Hello");

int main(int count, char **arguments)
{
	greeter->greet(count > 1 ? arguments[1] : "world");
}
