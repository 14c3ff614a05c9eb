/* Returns the checksum from the export `run`, and has what compilers expect of a C library and of their own. */
#include <stddef.h>
#include <stdint.h>

static uint32_t checksum;
int main(void);

void result(uint32_t value)
{
    checksum = value;
}

uint32_t run(void)
{
    main();
    return checksum;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to < (uintptr_t)from)
        return memcpy(to, from, size);
    for (size_t i = size; i-- > 0;)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memset(void *to, int value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((char *)to)[i] = value;
    return to;
}

#if __riscv_xlen == 32
/* Division of 64 bits, bit by bit, which no program does by zero. */
static uint64_t divide(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
    uint64_t quotient = 0, rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t carry = rest >> 63;
        rest = rest << 1 | (dividend >> bit & 1);
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient |= (uint64_t)1 << bit;
        }
    }
    *remainder = rest;
    return quotient;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder;
    return divide(dividend, divisor, &remainder);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder;
    divide(dividend, divisor, &remainder);
    return remainder;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

int64_t __divdi3(int64_t dividend, int64_t divisor)
{
    uint64_t quotient = __udivdi3(magnitude(dividend), magnitude(divisor));
    return (dividend < 0) != (divisor < 0) ? -quotient : quotient;
}

int64_t __moddi3(int64_t dividend, int64_t divisor)
{
    uint64_t remainder = __umoddi3(magnitude(dividend), magnitude(divisor));
    return dividend < 0 ? -remainder : remainder;
}

/* Shifts by halves: one of a whole number would call these functions. */
static uint64_t join(uint32_t high, uint32_t low)
{
    return (uint64_t)high << 32 | low;
}

uint64_t __ashldi3(uint64_t value, int bits)
{
    uint32_t high = value >> 32, low = value;
    if (bits >= 32)
        return join(low << (bits - 32), 0);
    return bits ? join(high << bits | low >> (32 - bits), low << bits) : value;
}

uint64_t __lshrdi3(uint64_t value, int bits)
{
    uint32_t high = value >> 32, low = value;
    if (bits >= 32)
        return join(0, high >> (bits - 32));
    return bits ? join(high >> bits, low >> bits | high << (32 - bits)) : value;
}

int64_t __ashrdi3(int64_t value, int bits)
{
    int32_t high = value >> 32;
    uint32_t low = value;
    if (bits >= 32)
        return join(high >> 31, high >> (bits - 32));
    return bits ? join(high >> bits, low >> bits | (uint32_t)high << (32 - bits)) : (uint64_t)value;
}
#endif
