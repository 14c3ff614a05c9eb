// A load from a fixed address.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lw a0, 16(zero)
    ret
