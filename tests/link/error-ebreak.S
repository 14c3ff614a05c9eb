// A debugger call.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    ebreak
    ret
