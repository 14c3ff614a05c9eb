// Absolute addresses in halves: together, shared with offsets, in other blocks, with an index in between.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lui a0, %hi(word)
    lw a0, %lo(word)(a0)
    lui a1, %hi(word)
    lw a2, %lo(word+4)(a1)                  // the high half of another offset
    add a0, a0, a2
    lui a1, %hi(word)
    addi a1, a1, %lo(word)
    lw a1, 8(a1)
    add a0, a0, a1
    li a2, 4
    lui a1, %hi(word)
    add a1, a1, a2                          // an index between the halves
    lw a1, %lo(word)(a1)
    add a0, a0, a1
    li a4, 3
    lui a5, %hi(word)
1:  lw a1, %lo(word)(a5)                    // in another block
    add a0, a0, a1
    addi a4, a4, -1
    bnez a4, 1b
    lui a1, %hi(word)
    sw zero, %lo(word)(a1)
    lui a1, %hi(target)
    addi a1, a1, %lo(target)
    jr a1
    unimp
target:
    ret
    .data
    .balign 16
    .skip 2032
word:
    .4byte 100, 7, 1000
