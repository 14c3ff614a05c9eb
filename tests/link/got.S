// Addresses through the global offset table, weak symbols, absolute symbols.
#include "abi.h"
    .text
    .option pic
EXPORT main
FUNCTION main
    la a1, word                             // GOT_HI20
    lw a0, 0(a1)
    la a2, nothing                          // weak and undefined
    beqz a2, 1f
    unimp
1:  la a3, main
    beqz a3, 2f
    lla a4, main
    sub a3, a3, a4
    add a0, a0, a3
    ret
2:  unimp
    .weak nothing
    .data
    .balign 8
    .globl word
word:
    .4byte 42
