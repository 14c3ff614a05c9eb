// What a start file does for linkers that relax relative to gp.
    .text
    .globl _start
_start:
    .option push
    .option norelax
    lla gp, __global_pointer$
    .option pop
    tail main
