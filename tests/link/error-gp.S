// Code relaxed relative to gp.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lw a0, 0(gp)
    ret
