// Thread-local storage of position-independent code.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    la.tls.ie a0, errno
    ret
    .section .tbss, "awT", @nobits
    .globl errno
    .type errno, @object
errno:
    .skip 4
