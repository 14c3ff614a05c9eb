#include "../abi.h"
    .text
FUNCTION two
    addi sp, sp, -16
    SP ra, 0(sp)
    call three
    addi a0, a0, 20
    LP ra, 0(sp)
    addi sp, sp, 16
    ret
