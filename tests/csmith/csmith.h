/* What random programs need of csmith.h, without an operating system: the checksum goes to `result`. */
#ifndef CSMITH_H
#define CSMITH_H
#include <float.h>
#include <limits.h>
#include <stdint.h>

void result(uint32_t checksum);

/* In functions that programs without floating point do not call. */
#define fabsf(x) __builtin_fabsf(x)
#define fabs(x) __builtin_fabs(x)
#define ldexp(x, n) __builtin_ldexp(x, n)
#define STATIC static
#define UNDEFINED(value) (value)
#define LOG_INDEX
#define LOG_EXEC
#define FUNC_NAME(x) (safe_##x)
#include "safe_math.h"
#undef FUNC_NAME
/* Programs print only if they are asked to. */
#define printf(...) 0

static uint32_t crc32_table[256];
static uint32_t crc32_context = 0xffffffff;

static inline void platform_main_begin(void)
{
}

static void crc32_gentab(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        crc32_table[i] = crc;
    }
}

static void transparent_crc(uint64_t value, const char *name, int flag)
{
    (void)name, (void)flag;
    for (int i = 0; i < 8; i++, value >>= 8)
        crc32_context = crc32_context >> 8 ^ crc32_table[(crc32_context ^ value) & 0xff];
}

static inline void transparent_crc_bytes(const void *bytes, int size, const char *name, int flag)
{
    (void)name, (void)flag;
    for (int i = 0; i < size; i++)
        transparent_crc(((const unsigned char *)bytes)[i], "", 0);
}

static void platform_main_end(uint32_t checksum, int flag)
{
    (void)flag;
    result(checksum);
}
#endif
