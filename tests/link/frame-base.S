// A frame so large that what it saved is restored through another register, as -Oz has it.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    addi sp, sp, -1088
    SP ra, 1080(sp)
    SP s0, 1072(sp)
    call clobber
    mv s0, a0                               // a value of its own
    call clobber
    add a0, a0, s0                          // 42
    addi a1, sp, 1024
    LP ra, 56(a1)
    LP s0, 48(a1)
    addi sp, sp, 1088
    ret
FUNCTION clobber
    li a0, 21
    ret
