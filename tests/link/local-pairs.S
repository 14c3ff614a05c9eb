// Without relaxation the assembler resolves what is in its own section, and leaves no relocations.
#include "abi.h"
    .text
    .option norelax
EXPORT main
FUNCTION main
    addi sp, sp, -16
    SP ra, 0(sp)
    lla a2, second                          // auipc and addi
    lla a3, third
    bnez a0, 1f                             // a0 is 0 here
    mv a3, a2
1:  jalr a3                                 // 20
    // Apart from each other, in another register, and twice.
2:  auipc a4, %pcrel_hi(third)
    li a5, 1000
    addi a3, a4, %pcrel_lo(2b)
    addi a4, a4, %pcrel_lo(2b)
    add a0, a0, a5
    jalr a3                                 // 300
    sub a3, a3, a4
    add a0, a0, a3                          // 0
    call second                             // 20
    jal second                              // 20
    LP ra, 0(sp)
    addi sp, sp, 16
    tail third                              // 300
    .type second, @function
second:
    addi a0, a0, 20
    ret
    .type third, @function
third:
    addi a0, a0, 300
    ret
