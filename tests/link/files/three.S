#include "../abi.h"
    .text
FUNCTION three
    li a0, 300
    ret
