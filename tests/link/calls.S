// Direct calls, tail calls, calls through pointers, a call that never returns at the end of the section.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    addi sp, sp, -16
    SP ra, 0(sp)
    call increment              // CALL_PLT; the result counts what happened
    jal ra, increment           // JAL
    jal t0, millicode           // another link register
    lla a1, increment           // address of a function: PCREL_HI20, LO12_I
    jalr a1
    lla a2, pointer
    LP a2, 0(a2)                // from data: an absolute pointer
    jalr ra, a2
    LP ra, 0(sp)
    addi sp, sp, 16
    tail finish                 // CALL_PLT without a link register
millicode:
    addi a0, a0, 16
    jr t0
FUNCTION increment
    addi a0, a0, 1
    ret
FUNCTION finish
    bgez a0, 1f
    call stop
1:  j 2f                        // RVC_JUMP
    unimp
2:  slli a0, a0, 4
    ret
FUNCTION stop
    .option push
    .option norvc
    unimp
    .option pop
FUNCTION last
    call stop

    .data
    .balign 8
pointer:
    PTR increment
