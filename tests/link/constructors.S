// Lists of constructors and destructors by priority, and sections whose ends are asked for by name.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    addi sp, sp, -16
    SP ra, 0(sp)
    SP s0, 8(sp)
    lla a0, result
    sw zero, 0(a0)
    lla s0, __preinit_array_start           // an absent list is an empty one
    lla a1, __preinit_array_end
    bne s0, a1, fail
    lla s0, __init_array_start
1:  lla a1, __init_array_end
    beq s0, a1, 2f
    LP a1, 0(s0)
    jalr a1
    addi s0, s0, PTR_SIZE
    j 1b
2:  lla s0, __fini_array_start
    lla a1, __fini_array_end
    sub a1, a1, s0
    addi a1, a1, -PTR_SIZE
    bnez a1, fail
    LP a1, 0(s0)
    jalr a1
    lla s0, __start_my_records
    lla a1, __stop_my_records
    sub a1, a1, s0
    addi a1, a1, -8
    bnez a1, fail
    lw a1, 4(s0)
    jal digit                               // 12345
    lla a1, __dso_handle                    // some address, but not null
    beqz a1, fail
    LP ra, 0(sp)
    LP s0, 8(sp)
    addi sp, sp, 16
    ret
fail:
    unimp
FUNCTION first
    li a1, 1
    j digit
FUNCTION second
    li a1, 2
    j digit
FUNCTION third
    li a1, 3
digit:
    lla a2, result
    lw a0, 0(a2)
    slli a3, a0, 3
    slli a0, a0, 1
    add a0, a0, a3
    add a0, a0, a1
    sw a0, 0(a2)
    ret
FUNCTION last
    li a1, 4
    j digit
    .weak __dso_handle
    .section .init_array, "aw", @init_array
    PTR third
    .section .init_array.200, "aw", @init_array
    PTR second
    .section .init_array.101, "aw", @init_array
    PTR first
    .section .fini_array, "aw", @fini_array
    PTR last
    .section my_records, "a", @progbits
    .4byte 9, 5
    .bss
    .balign 4
result:
    .skip 4
