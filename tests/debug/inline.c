/* Functions inlined into each other, with a trap in the innermost. */
#include "pvm_guest.h"

static volatile int sink;

static inline int square(int x) {
    if (x > 46340)
        __builtin_trap();
    return x * x;
}

static inline __attribute__((always_inline)) int twice(int x) {
    sink = x;
    return square(x) + square(x + 1);
}

__attribute__((noinline)) int leaf(int a, int b) {
    sink += a;
    return twice(a) - b;
}

int main(int a) {
    int r = leaf(a, 3);
    for (int i = 0; i < a; i++)
        r += twice(i);
    return r;
}

POLKAVM_EXPORT(int, main, int);
