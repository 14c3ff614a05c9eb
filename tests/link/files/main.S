// Calls everything there is: other objects, members of archives that need each other, symbols of every binding.
#include "../abi.h"
    .text
EXPORT main
FUNCTION main
    addi sp, sp, -16
    SP ra, 0(sp)
    SP s0, 8(sp)
    call one                                // 1 + 20 + 300, through both archives
    mv s0, a0
    call hook                               // 4000 of hook.S, not 9 from below
    add s0, s0, a0
    call twin                               // 50000 from below, not of hook.S
    add s0, s0, a0
    call same_twin                          // the same function, called by hook.S
    add s0, s0, a0
    lla a0, shared
    lw a0, 12(a0)                           // 600000, written by hook.S: the larger of the common symbols
    add s0, s0, a0
    lla a0, absent
    bnez a0, fail
    lla a0, __start_my_records
    lla a1, __stop_my_records
1:  beq a0, a1, 2f
    lw a2, 0(a0)                            // 7000000, from two files
    add s0, s0, a2
    addi a0, a0, 4
    j 1b
2:  mv a0, s0
    LP ra, 0(sp)
    LP s0, 8(sp)
    addi sp, sp, 16
    ret
fail:
    unimp
    .weak absent
    .weak hook
    .type hook, @function
hook:
    li a0, 9
    ret
    .comm shared, 4, 4
    .section .text.twin, "axG", @progbits, twin, comdat
    .weak twin
    .type twin, @function
twin:
    li a0, 50000
    ret
    .section my_records, "a", @progbits
    .4byte 3000000
