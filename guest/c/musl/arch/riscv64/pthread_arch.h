/* There is one thread; guest/c/src/syscalls.c keeps its pointer. */
uintptr_t __get_tp(void);

#define GAP_ABOVE_TP 0
#define DTP_OFFSET 0
#define MC_PC __gregs[0]
