// A register beyond the E profile.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    .4byte 0x00050913           // mv s2, a0
    ret
