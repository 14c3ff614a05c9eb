// Half of a difference.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    ret
    .data
    .reloc ., R_RISCV_ADD32, main
    .4byte 0
