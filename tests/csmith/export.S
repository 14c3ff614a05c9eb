#include "../link/abi.h"
EXPORT run
    .section .polkavm_min_stack_size, "", @progbits
    .4byte 0x100000
