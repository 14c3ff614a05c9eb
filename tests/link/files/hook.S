// A strong function, a larger common symbol, a copy of a group that main.S has too.
#include "../abi.h"
    .text
FUNCTION hook
    lla a0, shared
    li a1, 600000
    sw a1, 12(a0)
    li a0, 4000
    ret
FUNCTION same_twin
    tail twin
    .comm shared, 16, 8
    .section .text.twin, "axG", @progbits, twin, comdat
    .weak twin
    .type twin, @function
twin:
    li a0, 7
    ret
    .section my_records, "a", @progbits
    .4byte 4000000
