// What data can hold: pointers, differences of every width, sections of every kind.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lla a1, pointers
    LP a2, 0(a1)
    lbu a0, 0(a2)                           // first byte of .rodata text
    LP a2, PTR_SIZE(a1)
    sw a0, 0(a2)                            // .bss
    lw a0, 0(a2)
    lla a1, differences
    lbu a2, 0(a1)
    add a0, a0, a2
    lbu a2, 1(a1)
    add a0, a0, a2
    lhu a2, 2(a1)
    add a0, a0, a2
    lw a2, 4(a1)
    add a0, a0, a2                          // + label1 - small
    lla a3, small
    add a0, a0, a3
    lla a3, label1
    sub a0, a0, a3
    LP a2, 8(a1)
    add a0, a0, a2                          // + label3 - text
    lla a3, text
    add a0, a0, a3
    lla a3, label3
    sub a0, a0, a3
    lla a3, differences
    lw a2, 8 + PTR_SIZE(a3)
    addi a3, a3, 8 + PTR_SIZE
    add a3, a3, a2
    lw a3, 0(a3)                            // small, by its distance
    add a0, a0, a3
    lla a1, __bss_start_of_case
    lla a2, __bss_end_of_case
    sub a2, a2, a1
    add a0, a0, a2
    lla a1, small
    lw a1, 0(a1)
    add a0, a0, a1
    ret
    .section .rodata.str1.1, "aMS", @progbits, 1
text:
    .asciz "A text"
    .section .rodata, "a", @progbits
    .balign 8
differences:
    // Records as an assembler writes them when it cannot know the distance.
    .reloc ., R_RISCV_ADD8, label2
    .reloc ., R_RISCV_SUB8, label1
    .byte 0
    .reloc ., R_RISCV_SET8, label3
    .reloc ., R_RISCV_SUB8, label1
    .byte 0
    .reloc ., R_RISCV_ADD16, label3
    .reloc ., R_RISCV_SUB16, label1
    .2byte 0
    .4byte label1 - small                   // ADD32, SUB32: negative
    PTR label3 - text                       // ADD64, SUB64 or ADD32, SUB32
    .4byte small - .                        // relative to itself
label1:
    .skip 4
label2:
    .skip 8
label3:
    .section .data.rel.ro, "aw", @progbits
    .balign 8
pointers:
    PTR text
    PTR counter
    .section .sdata, "aw", @progbits
    .balign 4
small:
    .4byte 1000
    .bss
    .balign 64
__bss_start_of_case:
counter:
    .skip 24
__bss_end_of_case:
