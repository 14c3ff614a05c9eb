/* The smallest C guest: prints a greeting through the system interface and returns 0. */
#include "pvm_v1.h"

static const char greeting[] = "Hello from a C guest!\n";

int main(void) {
    const size_t length = sizeof(greeting) - 1;
    return pvm_v1_write(PVM_STDOUT, greeting, length) == (int64_t)length ? 0 : 1;
}

POLKAVM_EXPORT(int, main);
