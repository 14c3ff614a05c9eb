// An auipc whose partner cannot be known.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    auipc a0, 1
    lw a0, 4(a0)
    ret
