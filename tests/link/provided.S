// Symbols of a linker that a program does not need, named all the same.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .option push
    .option norelax
    lla gp, __global_pointer$               // set up for relaxation, not used
    .option pop
    lla a0, __dso_handle
    beqz a0, fail
    lla a0, _GLOBAL_OFFSET_TABLE_
    beqz a0, fail
    lla a0, _DYNAMIC
    lla a1, handle
    LP a1, 0(a1)
    beqz a1, fail
    li a0, 7
    ret
fail:
    unimp
    .hidden __dso_handle
    .weak _DYNAMIC
    .section .data.rel.ro, "aw", @progbits
    .balign 8
handle:
    PTR __dso_handle
