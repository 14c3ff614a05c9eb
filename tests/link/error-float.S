// Floating point.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .option arch, +f
    fadd.s fa0, fa0, fa1
    ret
