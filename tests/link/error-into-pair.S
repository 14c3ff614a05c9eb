// A jump into the middle of a call.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    call main
    j .-4
    ret
