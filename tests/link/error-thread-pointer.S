// The thread pointer itself, as a linker leaves it.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    mv a0, tp
    ret
