// Loads of floating point numbers, compressed.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .option arch, +d
    fld fa0, 8(sp)
    ret
