// The rounding mode of a soft-float library that was built for hardware.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    li a0, 3
    .option arch, +f
    frrm a0
    ret
