/* A guest. `pvm build` and `pvm run` run it. Every C and C++ file in src is compiled. */
#include <stdio.h>

int main(int count, char **arguments)
{
	printf("Hello, %s!\n", count > 1 ? arguments[1] : "world");
	return 0;
}
