// As the C header has it: records that are loaded, so that linkers treat their pointers as those of any other data.
#include "abi.h"
    .section .rodata.export_names, "a", @progbits
1:  .ascii "main"
2:
    .section .polkavm_metadata, "a", @progbits
3:  .byte 1
    .4byte 0
    .4byte 2b - 1b
    PTR 1b
    .byte 0, 1
    .section .polkavm_exports, "aR", @note
    .byte 1
    PTR 3b
    PTR main
