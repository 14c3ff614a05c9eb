// A computed jump with an offset.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    jr 8(a0)
