// Constructors.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    ret
    .section .init_array, "aw", @init_array
    PTR main
