// Thread-local storage, as musl's and picolibc's errno.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lui a0, %tprel_hi(errno)
    add a0, a0, tp, %tprel_add(errno)
    lw a0, %tprel_lo(errno)(a0)
    ret
    .section .tbss, "awT", @nobits
    .globl errno
    .type errno, @object
errno:
    .skip 4
