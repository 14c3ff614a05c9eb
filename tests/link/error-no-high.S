// A low half without its high half.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .option norvc
1:  nop
    .reloc ., R_RISCV_PCREL_LO12_I, 1b
    lw a0, 0(a0)
    ret
