// What stock RISC-V code has and a single hart does without or does otherwise: fences, atomics, other link registers.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    fence rw, rw
    fence.i
    fence.tso
    lla a1, word
1:  lr.w.aqrl a0, (a1)                      // 40
    addi a0, a0, 1
    sc.w.rl a2, a0, (a1)                    // succeeds
    bnez a2, 1b
    amoadd.w.aqrl a0, a2, (a1)              // 41
    amomaxu.w zero, a0, (a1)
    amoswap.w a0, a2, (a1)                  // 41
    jal t1, first                           // 42
    call t2, second                         // 44
    lla a3, third
    jalr t1, a3                             // 47
    tail fourth
first:
    addi a0, a0, 1
    jr t1
second:
    addi a0, a0, 2
    jr t2
third:
    addi a0, a0, 3
    jr t1
fourth:
    .4byte 0x0100000f                       // pause
    addi a0, a0, 4                          // 51
    ret
    .data
    .balign 4
word:
    .4byte 40
    // Records that unwinders and debuggers have: distances to code, of every kind.
    .section .eh_frame, "a", @progbits
    .4byte main - .
    .4byte fourth - main
    .section .debug_frame, "", @progbits
    .reloc ., R_RISCV_32_PCREL, main
    .4byte 0
    .reloc ., R_RISCV_SET6, fourth
    .reloc ., R_RISCV_SUB6, main
    .byte 0x40
    .section .debug_line, "", @progbits
    .reloc ., R_RISCV_32_PCREL, main
    .4byte 0
    .section .gcc_except_table, "a", @progbits
    .4byte fourth - main
    .section .note.GNU-stack, "", @progbits
