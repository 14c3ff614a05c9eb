/* Macros for the cases: records of exports and imports as the C header makes them, and the width of pointers. */
#if __riscv_xlen == 64
#define PTR .quad
#define PTR_SIZE 8
#define LP ld
#define SP sd
#else
#define PTR .word
#define PTR_SIZE 4
#define LP lw
#define SP sw
#endif

.macro EXPORT name
    .pushsection .rodata.export_names, "a", @progbits
1:  .ascii "\name"
2:
    .popsection
    .pushsection .polkavm_metadata, "", @progbits
3:  .byte 1
    .4byte 0
    .4byte 2b - 1b
    PTR 1b
    .byte 0, 1
    .popsection
    .pushsection .polkavm_exports, "R", @note
    .byte 1
    PTR 3b
    PTR \name
    .popsection
.endm

/* A function that calls the host; the C way of pointing to the record. */
.macro IMPORT name, inputs, outputs
    .pushsection .rodata.import_names, "a", @progbits
1:  .ascii "\name"
2:
    .popsection
    .pushsection .polkavm_metadata, "", @progbits
3:  .byte 1
    .4byte 0
    .4byte 2b - 1b
    PTR 1b
    .byte \inputs, \outputs
    .popsection
    .globl \name
    .type \name, @function
\name:
    .insn r 0xb, 0, 0, zero, zero, zero
    PTR 3b
    ret
.endm

.macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
.endm
