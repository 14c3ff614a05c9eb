#include "../abi.h"
    .text
FUNCTION one
    addi sp, sp, -16
    SP ra, 0(sp)
    call two
    addi a0, a0, 1
    LP ra, 0(sp)
    addi sp, sp, 16
    ret
