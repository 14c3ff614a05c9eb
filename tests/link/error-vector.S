// Vectors.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    li a0, 3
    .option arch, +v
    vsetvli a0, a1, e8, m1, ta, ma
    ret
