// Calls of the host with records as the C header and as the Rust macros write them.
#include "abi.h"
    .text
EXPORT main
FUNCTION main
    addi sp, sp, -16
    SP ra, 0(sp)
    li a0, 3
    call zebra
    call aardvark
    call zebra
    LP ra, 0(sp)
    addi sp, sp, 16
    ret
IMPORT zebra, 1, 1
IMPORT unused, 0, 0

    .section .text.polkavm_import, "ax", @progbits
FUNCTION aardvark
    .4byte 0x0000000b
    auipc zero, %pcrel_hi(aardvark_record)
#if __riscv_xlen == 64
    .4byte 0
#endif
    ret

    .section .rodata.aardvark, "a", @progbits
aardvark_name:
    .ascii "aardvark"
    .section .polkavm_metadata, "", @progbits
aardvark_record:
    .byte 2
    .4byte 0
    .4byte 8
    PTR aardvark_name
    .byte 1, 1, 0
    .4byte 0

    // An export as the Rust macro writes it.
    .section .text.polkavm_export, "ax", @progbits
FUNCTION rust_export
    li a0, 77
    ret
    .section .polkavm_metadata, "", @progbits
rust_record:
    .byte 1
    .4byte 0
    .4byte 8
    PTR aardvark_name
    .byte 0, 1
    .section .polkavm_exports, "R", @note
    .byte 1
    .reloc ., R_RISCV_PCREL_HI20, rust_record
    .4byte 0x17
#if __riscv_xlen == 64
    .4byte 0
#endif
    .reloc ., R_RISCV_PCREL_HI20, rust_export
    .4byte 0x17
#if __riscv_xlen == 64
    .4byte 0
#endif
    .section .polkavm_min_stack_size, "", @progbits
    .4byte 20000, 100
