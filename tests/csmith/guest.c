/* Returns the checksum from the export `run`, and has what compilers expect of a C library. */
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
