// The seventh argument, in a call of a variadic function as lp64 has it.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .4byte 0x00050893           // mv a7, a0
    ret
