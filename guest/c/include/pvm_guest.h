/* PVM guest ABI for C and C++: exports, imports, stack size and trap of a guest program.
 *
 *   POLKAVM_EXPORT(ret, name, types...)                     the function `name`, declared before, can be called by the host
 *   POLKAVM_IMPORT(ret, name, types...)                     defines `name` as a call of the host function of that name
 *   POLKAVM_IMPORT_WITH_INDEX(index, ret, name, types...)   the same, with the number the host knows it by
 *   POLKAVM_MIN_STACK_SIZE(bytes)                           the program needs at least this much stack
 *   POLKAVM_TRAP()                                          ends the run with a trap
 *
 * The macros write records which only the linker reads:
 *
 *   .polkavm_metadata        u8 version, u32 flags, u32 name length, pointer name, u8 inputs, u8 outputs
 *                            [, version 2: u8 has_index, u32 index]            packed, one for each export and import
 *   .polkavm_exports         u8 version, pointer metadata, pointer function     packed, one for each export
 *   .polkavm_min_stack_size  u32
 *   import site              word 0x0000000b, pointer metadata                  in the code; the run goes on behind it
 *
 * `inputs` and `outputs` count registers: none for `void`, two for a type wider than a pointer, else one. Arguments are
 * in a0..a5, then t0..t2; the C ABI has its seventh to ninth argument words on the stack, so that stubs move them.
 *
 * The pointers are absolute words: link with `--emit-relocs --no-relax`, and with `-z notext` if position-independent.
 */
#ifndef PVM_GUEST_H
#define PVM_GUEST_H
#pragma GCC system_header

#include <stddef.h>
#include <stdint.h>

#if !defined(__riscv) || !(defined(__riscv_32e) || defined(__riscv_64e) || defined(__riscv_e))
#error "pvm_guest.h needs a RISC-V target with the E profile (-march=rv32e... or rv64e...)"
#endif

#if __riscv_xlen == 64
#define PVM_ASM_POINTER ".8byte"
#define PVM_ASM_LOAD "ld"
#define PVM_ASM_STORE "sd"
#define PVM_ASM_WORD "8"
#else
#define PVM_ASM_POINTER ".4byte"
#define PVM_ASM_LOAD "lw"
#define PVM_ASM_STORE "sw"
#define PVM_ASM_WORD "4"
#endif

#ifdef __cplusplus
#define PVM_C_LINKAGE extern "C"
#define PVM_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C++" {
template <class T> struct pvm_registers { enum { count = (sizeof(T) + sizeof(void *) - 1) / sizeof(void *) }; };
template <> struct pvm_registers<void> { enum { count = 0 }; };
}
#define PVM_REGISTERS(type) pvm_registers<type>::count
#else
#define PVM_C_LINKAGE
#define PVM_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define PVM_REGISTERS(type) \
    (__builtin_types_compatible_p(type, void) ? 0 : (sizeof(type) + sizeof(void *) - 1) / sizeof(void *))
#endif

/* Parameters without names, `sizeof(void)` and empty `...` are older extensions of C, and standard only since C23. */
#ifdef __clang__
#define PVM_QUIET_C23 _Pragma("clang diagnostic ignored \"-Wc23-extensions\"")
#else
#define PVM_QUIET_C23
#endif
#define PVM_BEGIN \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wpedantic\"") \
    _Pragma("GCC diagnostic ignored \"-Wpointer-arith\"") PVM_QUIET_C23
#define PVM_END \
    _Pragma("GCC diagnostic pop") PVM_STATIC_ASSERT(1, "takes the semicolon behind the macro")

/* Register count of a list of up to seven types. */
#define PVM_SUM(...) (0 __VA_OPT__(PVM_SUM_1(__VA_ARGS__)))
#define PVM_SUM_1(t, ...) +PVM_REGISTERS(t) __VA_OPT__(PVM_SUM_2(__VA_ARGS__))
#define PVM_SUM_2(t, ...) +PVM_REGISTERS(t) __VA_OPT__(PVM_SUM_3(__VA_ARGS__))
#define PVM_SUM_3(t, ...) +PVM_REGISTERS(t) __VA_OPT__(PVM_SUM_4(__VA_ARGS__))
#define PVM_SUM_4(t, ...) +PVM_REGISTERS(t) __VA_OPT__(PVM_SUM_5(__VA_ARGS__))
#define PVM_SUM_5(t, ...) +PVM_REGISTERS(t) __VA_OPT__(PVM_SUM_6(__VA_ARGS__))
#define PVM_SUM_6(t, ...) +PVM_REGISTERS(t) __VA_OPT__(PVM_SUM_7(__VA_ARGS__))
#define PVM_SUM_7(t) +PVM_REGISTERS(t)

/* A list of parameters without names; an empty list has to be `void` in C. */
#define PVM_PARAMETERS(...) (PVM_PARAMETERS_##__VA_OPT__(SOME)(__VA_ARGS__))
#define PVM_PARAMETERS_(...) void
#define PVM_PARAMETERS_SOME(...) __VA_ARGS__

#define PVM_CONCAT(a, b) PVM_CONCAT_(a, b)
#define PVM_CONCAT_(a, b) a##b

struct __attribute__((packed)) pvm_metadata_v1 {
    uint8_t version;
    uint32_t flags;
    uint32_t name_length;
    const char *name;
    uint8_t inputs;
    uint8_t outputs;
};

struct __attribute__((packed)) pvm_metadata_v2 {
    struct pvm_metadata_v1 v1;
    uint8_t has_index;
    uint32_t index;
};

PVM_STATIC_ASSERT(sizeof(struct pvm_metadata_v1) == 11 + sizeof(void *), "version 1 of the metadata is packed");
PVM_STATIC_ASSERT(sizeof(struct pvm_metadata_v2) == 16 + sizeof(void *), "version 2 of the metadata is packed");

#define PVM_METADATA __attribute__((section(".polkavm_metadata"), used))
#define PVM_METADATA_V1(version, ret, symbol, ...) \
    { version, 0, sizeof(#symbol) - 1, #symbol, (uint8_t)PVM_SUM(__VA_ARGS__), (uint8_t)PVM_REGISTERS(ret) }

#define PVM_CHECK_PROTOTYPE(ret, ...) \
    PVM_STATIC_ASSERT(PVM_SUM(__VA_ARGS__) <= 9, "the arguments need more than nine registers"); \
    PVM_STATIC_ASSERT(PVM_REGISTERS(ret) <= 2, "the result needs more than two registers")

/* The record points to the function itself, or to a stub which puts t0..t2 where the C ABI has arguments 7 to 9. */
#define POLKAVM_EXPORT(ret, symbol, ...) \
    PVM_BEGIN PVM_CHECK_PROTOTYPE(ret, __VA_ARGS__); \
    static struct pvm_metadata_v1 pvm_export_metadata_##symbol PVM_METADATA = \
        PVM_METADATA_V1(1, ret, symbol, __VA_ARGS__); \
    static void __attribute__((naked, used)) pvm_export_##symbol(void) { \
        __asm__ volatile( \
            ".pushsection .polkavm_exports,\"Ra\",@note\n" \
            ".byte 1\n" \
            PVM_ASM_POINTER " %0\n" \
            ".if %2 > 6\n" \
            PVM_ASM_POINTER " 77f\n" \
            ".popsection\n" \
            "77:\n" \
            "addi sp, sp, -4 * " PVM_ASM_WORD "\n" \
            PVM_ASM_STORE " t0, 0(sp)\n" \
            PVM_ASM_STORE " t1, " PVM_ASM_WORD "(sp)\n" \
            PVM_ASM_STORE " t2, 2 * " PVM_ASM_WORD "(sp)\n" \
            PVM_ASM_STORE " ra, 3 * " PVM_ASM_WORD "(sp)\n" \
            "call %1\n" \
            PVM_ASM_LOAD " ra, 3 * " PVM_ASM_WORD "(sp)\n" \
            "addi sp, sp, 4 * " PVM_ASM_WORD "\n" \
            "ret\n" \
            ".else\n" \
            PVM_ASM_POINTER " %1\n" \
            ".popsection\n" \
            ".endif\n" \
            : : "i"(&pvm_export_metadata_##symbol), "i"(&symbol), "i"(PVM_SUM(__VA_ARGS__))); \
    } \
    PVM_END

#define PVM_IMPORT_STUB(ret, symbol, metadata, ...) \
    PVM_C_LINKAGE __attribute__((naked, noinline, weak, visibility("hidden"), section(".text.polkavm_import." #symbol))) \
    ret symbol PVM_PARAMETERS(__VA_ARGS__) { \
        __asm__ volatile( \
            ".if %1 > 6\n" \
            PVM_ASM_LOAD " t0, 0(sp)\n" \
            ".endif\n" \
            ".if %1 > 7\n" \
            PVM_ASM_LOAD " t1, " PVM_ASM_WORD "(sp)\n" \
            ".endif\n" \
            ".if %1 > 8\n" \
            PVM_ASM_LOAD " t2, 2 * " PVM_ASM_WORD "(sp)\n" \
            ".endif\n" \
            ".4byte 0x0000000b\n" \
            PVM_ASM_POINTER " %0\n" \
            "ret\n" \
            : : "i"(metadata), "i"(PVM_SUM(__VA_ARGS__)) : "memory"); \
    } \
    PVM_END

#define POLKAVM_IMPORT(ret, symbol, ...) \
    PVM_BEGIN PVM_CHECK_PROTOTYPE(ret, __VA_ARGS__); \
    static struct pvm_metadata_v1 pvm_import_metadata_##symbol PVM_METADATA = \
        PVM_METADATA_V1(1, ret, symbol, __VA_ARGS__); \
    PVM_IMPORT_STUB(ret, symbol, &pvm_import_metadata_##symbol, __VA_ARGS__)

#define POLKAVM_IMPORT_WITH_INDEX(number, ret, symbol, ...) \
    PVM_BEGIN PVM_CHECK_PROTOTYPE(ret, __VA_ARGS__); \
    static struct pvm_metadata_v2 pvm_import_metadata_##symbol PVM_METADATA = { \
        PVM_METADATA_V1(2, ret, symbol, __VA_ARGS__), 1, number}; \
    PVM_IMPORT_STUB(ret, symbol, &pvm_import_metadata_##symbol, __VA_ARGS__)

#define POLKAVM_MIN_STACK_SIZE(bytes) \
    static const uint32_t PVM_CONCAT(pvm_min_stack_size_, __COUNTER__) \
        __attribute__((section(".polkavm_min_stack_size"), used, retain)) = (bytes)

#define POLKAVM_TRAP() \
    do { \
        __asm__ volatile("unimp"); \
        __builtin_unreachable(); \
    } while (0)

/* Grows the heap by `bytes` and returns its new end; 0 if there is no room. `pvm_sbrk(0)` asks for the end.
 * Only instruction sets with an sbrk instruction can run it (not JAM's). */
static inline void *pvm_sbrk(size_t bytes) {
    void *end;
    __asm__ volatile(".insn r 0xb, 1, 0, %0, %1, zero" : "=r"(end) : "r"(bytes) : "memory");
    return end;
}

/* Where the heap begins, a constant of the linked program. */
static inline void *pvm_heap_base(void) {
    void *base;
    __asm__(".insn r 0xb, 3, 0, %0, zero, zero" : "=r"(base));
    return base;
}

/* The machine's own memset instruction; not part of every instruction set. */
static inline void pvm_memset(void *target, uint8_t value, size_t length) {
    register void *a0 __asm__("a0") = target;
    register size_t a1 __asm__("a1") = value;
    register size_t a2 __asm__("a2") = length;
    __asm__ volatile(".insn r 0xb, 2, 0, zero, zero, zero" : "+r"(a0), "+r"(a1), "+r"(a2) : : "memory");
}

#endif
