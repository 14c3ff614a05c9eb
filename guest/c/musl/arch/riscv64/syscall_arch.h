/* System calls become calls of one function (guest/c/src/syscalls.c). */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

long __pvm_syscall(long number, const long *arguments);

#define __PVM_SYSCALL(number, ...) __pvm_syscall(number, (const long[]){__VA_ARGS__})

static inline long __syscall0(long n) { return __pvm_syscall(n, 0); }
static inline long __syscall1(long n, long a) { return __PVM_SYSCALL(n, a); }
static inline long __syscall2(long n, long a, long b) { return __PVM_SYSCALL(n, a, b); }
static inline long __syscall3(long n, long a, long b, long c) { return __PVM_SYSCALL(n, a, b, c); }
static inline long __syscall4(long n, long a, long b, long c, long d) { return __PVM_SYSCALL(n, a, b, c, d); }
static inline long __syscall5(long n, long a, long b, long c, long d, long e) { return __PVM_SYSCALL(n, a, b, c, d, e); }
static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
	return __PVM_SYSCALL(n, a, b, c, d, e, f);
}

#define IPC_64 0
