/* A second file beside inline.c, with functions of its own. */
#include "pvm_guest.h"

static volatile int count;

static inline int half(int x) {
    count = x;
    return x / 2;
}

__attribute__((noinline)) int quarter(int x) {
    return half(half(x));
}

int second(int x) {
    return quarter(x + 1);
}

POLKAVM_EXPORT(int, second, int);
