// Jump tables: differences of code and data, and pointers.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    li a0, 0
    li a1, 2
next:
    lla a2, differences
    slli a3, a1, 2
    add a3, a3, a2
    lw a3, 0(a3)
    add a3, a3, a2
    jr a3
case0:
    addi a0, a0, 1
    j dispatch
case1:
    addi a0, a0, 16
    addi a1, a1, -1
    j next
case2:
    addi a0, a0, 256
    addi a1, a1, -1
    j next
dispatch:
    lla a2, pointers
    LP a3, PTR_SIZE(a2)
    jr a3
final0:
    unimp
final1:
    ret
    .section .rodata, "a", @progbits
    .balign 4
differences:
    .4byte case0 - differences
    .4byte case1 - differences
    .4byte case2 - differences
    .section .data.rel.ro, "aw", @progbits
    .balign 8
pointers:
    PTR final0
    PTR final1
