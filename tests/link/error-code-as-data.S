// A load from code.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lla a0, main
1:  auipc a0, %pcrel_hi(main)
    lw a0, %pcrel_lo(1b)(a0)
    ret
