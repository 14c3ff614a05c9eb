/* Linux system calls of the C library, made of the system interface of PVM. What is not here is ENOSYS. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include "files.h"
#include "memory.h"
#include "pvm_v1.h"

enum { NANOSECONDS = 1000000000, IDENTITY = 1 };

static uintptr_t thread_pointer;

uintptr_t __get_tp(void)
{
	return thread_pointer;
}

int __set_thread_area(void *pointer)
{
	thread_pointer = (uintptr_t)pointer;
	return 0;
}

/* What musl has in assembly for threads and signals, of which there are none. */
int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
	return -ENOSYS;
}

_Noreturn void __unmapself(void *base, size_t size)
{
	POLKAVM_TRAP();
}

long __syscall_cp_asm(volatile void *cancel, long n, long a, long b, long c, long d, long e, long f)
{
	return -ENOSYS;
}

void __restore(void)
{
	POLKAVM_TRAP();
}

void __restore_rt(void)
{
	POLKAVM_TRAP();
}

static long map_pages(size_t size, int flags)
{
	if (!(flags & MAP_ANONYMOUS) || flags & MAP_FIXED) return -ENODEV;
	void *pages = pvm_pages_take(size);
	return pages ? (long)pages : -ENOMEM;
}

/* A time that is not granted is -1, for functions like `time` that look at nothing else. */
static long clock_time(int clock, struct timespec *to)
{
	int64_t now;
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: now = pvm_v1_time(); break;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME:
	case CLOCK_PROCESS_CPUTIME_ID: case CLOCK_THREAD_CPUTIME_ID: now = pvm_v1_ticks(); break;
	default: return -EINVAL;
	}
	*to = (struct timespec){now < 0 ? -1 : now / NANOSECONDS, now < 0 ? 0 : now % NANOSECONDS};
	return now < 0 ? now : 0;
}

/* Nobody can wake a guest: it waits by looking at the ticks. */
static long sleep_until_past(const struct timespec *time)
{
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS) return -EINVAL;
	int64_t end = pvm_v1_ticks() + time->tv_sec * NANOSECONDS + time->tv_nsec;
	while (pvm_v1_ticks() < end) {}
	return 0;
}

static long system_name(struct utsname *to)
{
	memset(to, 0, sizeof *to);
	strcpy(to->sysname, "PVM");
	strcpy(to->nodename, "guest");
	strcpy(to->release, "1");
	strcpy(to->version, "1");
	strcpy(to->machine, "riscv64");
	return 0;
}

static long limit(int resource, struct rlimit *before)
{
	if (!before) return -EPERM;
	before->rlim_cur = before->rlim_max = resource == RLIMIT_NOFILE ? DESCRIPTORS : RLIM_INFINITY;
	return 0;
}

/* As the kernel takes and gives it. */
struct action {
	void (*handler)(int);
	unsigned long flags;
	uint32_t mask[2];
	void *unused;
};

static struct action actions[_NSIG];

static long set_action(int signal, const struct action *to, struct action *before)
{
	if (signal <= 0 || signal >= _NSIG || signal == SIGKILL || signal == SIGSTOP) return -EINVAL;
	if (before) *before = actions[signal];
	if (to) actions[signal] = *to;
	return 0;
}

/* A program signals only itself. What would end it traps. */
static long raise_signal(int signal)
{
	if (signal < 0 || signal >= _NSIG) return -EINVAL;
	void (*handler)(int) = actions[signal].handler;
	if (!signal || handler == SIG_IGN) return 0;
	if (handler == SIG_DFL) {
		if (signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT) return 0;
		POLKAVM_TRAP();
	}
	if (actions[signal].flags & SA_RESETHAND) actions[signal].handler = SIG_DFL;
	handler(signal);
	return 0;
}

static long resize_path(const char *path, long size)
{
	long fd = files_open(AT_FDCWD, path, O_WRONLY);
	if (fd < 0) return fd;
	long result = files_resize(fd, size);
	files_close(fd);
	return result;
}

static long exists(int at, const char *path)
{
	return files_status_at(at, path, &(struct stat){0}, 0);
}

#define ONE(a) (&(struct iovec){(void *)a[1], a[2]}), 1

long __pvm_syscall(long number, const long *a)
{
	switch (number) {
	case SYS_read: return files_transfer(a[0], ONE(a), 0);
	case SYS_write: return files_transfer(a[0], ONE(a), 1);
	case SYS_readv: return files_transfer(a[0], (const struct iovec *)a[1], a[2], 0);
	case SYS_writev: return files_transfer(a[0], (const struct iovec *)a[1], a[2], 1);
	case SYS_pread64: return files_transfer_at(a[0], ONE(a), a[3], 0);
	case SYS_pwrite64: return files_transfer_at(a[0], ONE(a), a[3], 1);
	case SYS_preadv: return files_transfer_at(a[0], (const struct iovec *)a[1], a[2], a[3], 0);
	case SYS_pwritev: return files_transfer_at(a[0], (const struct iovec *)a[1], a[2], a[3], 1);
	case SYS_openat: return files_open(a[0], (const char *)a[1], a[2]);
	case SYS_close: return files_close(a[0]);
	case SYS_dup: return files_control(a[0], F_DUPFD, 0);
	case SYS_dup3: return files_duplicate(a[0], a[1]);
	case SYS_fcntl: return files_control(a[0], a[1], a[2]);
	case SYS_lseek: return files_seek(a[0], a[1], a[2]);
	case SYS_fstat: return files_status(a[0], (struct stat *)a[1]);
	case SYS_newfstatat: return files_status_at(a[0], (const char *)a[1], (struct stat *)a[2], a[3]);
	case SYS_ftruncate: return files_resize(a[0], a[1]);
	case SYS_truncate: return resize_path((const char *)a[0], a[1]);
	case SYS_getdents64: return files_list(a[0], (struct dirent *)a[1], a[2]);
	case SYS_unlinkat: return files_remove(a[0], (const char *)a[1], a[2]);
	case SYS_mkdirat: return files_make_directory(a[0], (const char *)a[1]);
	case SYS_renameat2: return a[4] ? -EINVAL : files_rename(a[0], (const char *)a[1], a[2], (const char *)a[3]);
	case SYS_chdir: return files_enter(AT_FDCWD, (const char *)a[0]);
	case SYS_fchdir: return files_enter(a[0], ".");
	case SYS_getcwd: return files_working_directory((char *)a[0], a[1]);
	/* The one thing a program asks a terminal. */
	case SYS_ioctl: return a[1] == TIOCGWINSZ ? files_terminal(a[0]) : -ENOTTY;
	/* Links are followed by the host: nothing looks like one. There are neither owners nor modes. */
	case SYS_readlinkat: return exists(a[0], (const char *)a[1]) ?: -EINVAL;
	case SYS_faccessat: case SYS_fchmodat: case SYS_fchownat: return exists(a[0], (const char *)a[1]);
	case SYS_utimensat: return a[1] ? exists(a[0], (const char *)a[1]) : 0;
	case SYS_fchmod: case SYS_fchown: case SYS_fsync: case SYS_fdatasync: return files_control(a[0], F_GETFD, 0);
	case SYS_umask: return 0;
	case SYS_mmap: return map_pages(a[1], a[3]);
	case SYS_munmap: return pvm_pages_give((void *)a[0], a[1]), 0;
	case SYS_clock_gettime: return clock_time(a[0], (struct timespec *)a[1]);
	case SYS_clock_nanosleep: return a[1] ? -EINVAL : sleep_until_past((const struct timespec *)a[2]);
	case SYS_nanosleep: return sleep_until_past((const struct timespec *)a[0]);
	case SYS_uname: return system_name((struct utsname *)a[0]);
	case SYS_getpid: case SYS_gettid: case SYS_set_tid_address: return IDENTITY;
	case SYS_getppid: case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: return 0;
	case SYS_prlimit64: return limit(a[1], (struct rlimit *)a[3]);
	case SYS_rt_sigaction: return set_action(a[0], (const struct action *)a[1], (struct action *)a[2]);
	case SYS_kill: case SYS_tkill: return a[0] == IDENTITY ? raise_signal(a[1]) : -ESRCH;
	case SYS_tgkill: return a[1] == IDENTITY ? raise_signal(a[2]) : -ESRCH;
	/* No other thread and no signal from outside can notice them. */
	case SYS_brk: case SYS_mprotect: case SYS_madvise: case SYS_rt_sigprocmask: case SYS_futex: case SYS_sched_yield: case SYS_sync:
		return 0;
	case SYS_exit: case SYS_exit_group: pvm_v1_exit(a[0]); POLKAVM_TRAP();
	default: return -ENOSYS;
	}
}
