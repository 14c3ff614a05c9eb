/* Prints the checksum. */
#include <stdint.h>
#include <stdio.h>
void result(uint32_t checksum)
{
    printf("%u\n", (unsigned)checksum);
}
