// An export that is no function.
#include "abi.h"
    .text
    ret
EXPORT main
    .data
main:
    PTR 0
