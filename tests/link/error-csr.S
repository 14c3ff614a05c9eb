// A control and status register.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .option arch, +zicsr
    csrr a0, cycle
    ret
