// Conditional branches, compressed and not, against the zero register and between registers; a loop.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    li a0, 0
    li a1, 5
1:  addi a0, a0, 3
    addi a1, a1, -1
    bnez a1, 1b                 // RVC_BRANCH
    beqz a1, 2f
    unimp
2:  li a2, -1
    blt a2, zero, 3f            // BRANCH
    unimp
3:  bltu zero, a2, 4f
    unimp
4:  bge a0, a2, 5f
    unimp
5:  bgeu a2, a0, 6f
    unimp
6:  bgeu a0, zero, 7f           // always
    unimp
7:  bltu a0, zero, 8f           // never
    beq zero, zero, 9f          // always
8:  unimp
9:  ret
