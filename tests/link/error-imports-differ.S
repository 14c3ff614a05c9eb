// One name, two prototypes.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    call first
    call second
    ret
.macro RECORD name, inputs
FUNCTION \name
    .4byte 0x0000000b
    PTR 1f
    ret
    .pushsection .polkavm_metadata, "", @progbits
1:  .byte 1
    .4byte 0
    .4byte 4
    PTR name
    .byte \inputs, 0
    .popsection
.endm
    RECORD first, 1
    RECORD second, 2
    .section .rodata, "a", @progbits
name:
    .ascii "same"
