// A system call of another kind.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    ecall
    ret
