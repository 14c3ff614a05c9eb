// Non-PIC code that loads a relocated pointer from .rodata: what is in the file is not what is in the program.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    lui a0, %hi(pointer)
    LP a0, %lo(pointer)(a0)
    lw a0, 0(a0)                            // 100
    lui a1, %hi(end)
    LP a1, %lo(end)(a1)
    lw a1, -4(a1)                           // 11, through a pointer behind the last byte
    add a0, a0, a1
    lui a1, %hi(last - 32)                  // before the start of its section
    addi a1, a1, %lo(last - 32)
    lw a1, 32(a1)
    add a0, a0, a1                          // 11
    ret
    .section .rodata, "a", @progbits
    .balign 8
pointer:
    PTR word
end:
    PTR last + 4
    .data
    .balign 4
word:
    .4byte 100
last:
    .4byte 11
