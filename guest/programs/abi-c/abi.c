/* Every form the guest header offers: indexed imports, results in two registers, more arguments than argument
 * registers, a stack larger than the default one, the trap, and the machine's own heap instructions. */
#include "pvm_guest.h"

struct pair {
    uintptr_t first;
    uintptr_t second;
};

POLKAVM_MIN_STACK_SIZE(64 * 1024);

POLKAVM_IMPORT_WITH_INDEX(1, uint64_t, host_wide, uint64_t, uint8_t);
POLKAVM_IMPORT_WITH_INDEX(3, uintptr_t, host_seven, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                          uintptr_t);
POLKAVM_IMPORT_WITH_INDEX(4, void, host_nothing);

/* 1*a + 2*b + .. + 7*g: tells arguments that changed places. */
uintptr_t seven(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f, uintptr_t g) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
}
POLKAVM_EXPORT(uintptr_t, seven, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

/* The host's `seven` and `wide`, and an import without arguments and result. */
uint64_t call_host(void) {
    host_nothing();
    return host_seven(1, 2, 3, 4, 5, 6, 7) + host_wide(UINT64_C(0x123456789), 5);
}
POLKAVM_EXPORT(uint64_t, call_host);

/* Quotient and remainder in a0 and a1. */
struct pair divide(uintptr_t dividend, uintptr_t divisor) {
    return (struct pair){dividend / divisor, dividend % divisor};
}
POLKAVM_EXPORT(struct pair, divide, uintptr_t, uintptr_t);

uint64_t wide(uint64_t value, uint32_t shift) { return value << (shift & 63); }
POLKAVM_EXPORT(uint64_t, wide, uint64_t, uint32_t);

/* Touches `kilobytes` of stack, one frame of a kilobyte each; 48 fit only because of the minimum stack size. */
__attribute__((noinline)) uint32_t deep(uint32_t kilobytes) {
    volatile uint8_t frame[1024];
    frame[0] = (uint8_t)kilobytes;
    frame[sizeof(frame) - 1] = 1;
    return kilobytes == 0 ? 0 : deep(kilobytes - 1) + frame[sizeof(frame) - 1];
}
POLKAVM_EXPORT(uint32_t, deep, uint32_t);

void trap(void) { POLKAVM_TRAP(); }
POLKAVM_EXPORT(void, trap);

/* Fills freshly grown heap with the memset instruction and sums it: 3 * 5000. */
uint32_t heap(void) {
    uint8_t *begin = pvm_heap_base();
    if (pvm_sbrk(5000) == NULL) return 0;
    pvm_memset(begin, 3, 5000);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 5000; i++) sum += ((volatile uint8_t *)begin)[i];
    return sum;
}
POLKAVM_EXPORT(uint32_t, heap);
