// A symbol nobody defines.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    call nowhere
    ret
