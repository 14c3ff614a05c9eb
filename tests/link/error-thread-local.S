// Thread-local storage.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    ret
    .section .tdata, "awT", @progbits
    PTR 1
