// Addresses relative to the program counter, whose halves are together, shared, apart, or not what they seem.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
.Lload:
    auipc a0, %pcrel_hi(word)
    lw a0, %pcrel_lo(.Lload)(a0)            // together: one absolute load
.Lshared:
    auipc a1, %pcrel_hi(word)
    lw a2, %pcrel_lo(.Lshared)(a1)          // several low halves
    add a0, a0, a2
    addi a3, a1, %pcrel_lo(.Lshared)
    lw a3, 4(a3)
    add a0, a0, a3
    sw a0, %pcrel_lo(.Lshared)(a1)
.Lother:
    auipc a1, %pcrel_hi(word)
    mv a2, a1
    lw a2, %pcrel_lo(.Lother)(a2)           // through another register
    add a0, a0, a2
    li a4, 3
.Lloop:
    auipc a5, %pcrel_hi(word)
1:  lw a1, %pcrel_lo(.Lloop)(a5)            // in another block
    add a0, a0, a1
    addi a4, a4, -1
    bnez a4, 1b
.Lindex:
    auipc a1, %pcrel_hi(word)
    li a2, 4
    add a1, a1, a2                          // an index between the halves
    lw a1, %pcrel_lo(.Lindex)(a1)
    add a0, a0, a1
.Lzero:
    auipc a1, %pcrel_hi(word)
    sw zero, %pcrel_lo(.Lzero)(a1)
    lw a2, %pcrel_lo(.Lzero)(a1)
    add a0, a0, a2
    ret
    .data
    .balign 8
    .skip 2044                              // so that the low half is near its limit
word:
    .4byte 100
    .4byte 7
