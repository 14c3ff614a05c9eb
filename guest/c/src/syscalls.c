/* Linux system calls of the C library, made of the system interface of PVM. What is not here is ENOSYS. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include "memory.h"
#include "pvm_v1.h"

enum { NANOSECONDS = 1000000000, IDENTITY = 1, PATH_SIZE = 4096 };

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

/* A directory's descriptor and path, so that paths can be relative to it. */
struct directory {
	int fd;
	char path[PATH_SIZE];
};

enum { DIRECTORIES = 16 };
static struct directory directories[DIRECTORIES];

static struct directory *directory_of(int fd)
{
	for (int i = 0; i < DIRECTORIES; i++) {
		if (directories[i].path[0] && directories[i].fd == fd) return &directories[i];
	}
	return 0;
}

/* The whole path in `buffer`; its length or an error. */
static long resolve(int at, const char *path, char *buffer)
{
	size_t length = strlen(path), start = 0;
	if (path[0] != '/' && at != AT_FDCWD) {
		struct directory *directory = directory_of(at);
		if (!directory) return -EBADF;
		start = strlen(directory->path);
		if (start + 1 >= PATH_SIZE) return -ENAMETOOLONG;
		memcpy(buffer, directory->path, start);
		buffer[start++] = '/';
	}
	if (start + length >= PATH_SIZE) return -ENAMETOOLONG;
	memcpy(buffer + start, path, length + 1);
	return start + length;
}

static long remember(int fd, const char *path)
{
	struct pvm_status status;
	if (pvm_v1_status(fd, &status) || status.kind != PVM_KIND_DIRECTORY) return fd;
	for (int i = 0; i < DIRECTORIES; i++) {
		if (directories[i].path[0]) continue;
		directories[i].fd = fd;
		strcpy(directories[i].path, path);
		return fd;
	}
	pvm_v1_close(fd);
	return -EMFILE;
}

static long open_path(int at, const char *path, int flags)
{
	static const struct { int from, to; } known[] = {
		{O_CREAT, PVM_OPEN_CREATE}, {O_EXCL, PVM_OPEN_EXCLUSIVE}, {O_TRUNC, PVM_OPEN_TRUNCATE},
		{O_APPEND, PVM_OPEN_APPEND}, {O_DIRECTORY, PVM_OPEN_DIRECTORY},
	};
	char whole[PATH_SIZE];
	long length = resolve(at, path, whole);
	if (length < 0) return length;
	uint32_t wanted = (flags & O_ACCMODE) == O_RDONLY ? 0 : PVM_OPEN_WRITE;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if ((flags & known[i].from) == known[i].from) wanted |= known[i].to;
	}
	long fd = pvm_v1_open(whole, length, wanted);
	return fd < 0 ? fd : remember(fd, whole);
}

static long close_fd(int fd)
{
	struct directory *directory = directory_of(fd);
	if (directory) directory->path[0] = 0;
	return pvm_v1_close(fd);
}

static long status_of(int fd, struct stat *to)
{
	static const mode_t modes[] = {
		[PVM_KIND_FILE] = S_IFREG | 0666, [PVM_KIND_DIRECTORY] = S_IFDIR | 0777, [PVM_KIND_STREAM] = S_IFCHR | 0666,
	};
	struct pvm_status status;
	long error = pvm_v1_status(fd, &status);
	if (error) return error;
	memset(to, 0, sizeof *to);
	to->st_mode = modes[status.kind];
	to->st_nlink = 1;
	to->st_size = status.size;
	to->st_blksize = PATH_SIZE;
	to->st_blocks = (status.size + 511) / 512;
	to->st_mtim.tv_sec = status.modified / NANOSECONDS;
	to->st_mtim.tv_nsec = status.modified % NANOSECONDS;
	to->st_atim = to->st_ctim = to->st_mtim;
	return 0;
}

static long status_at(int at, const char *path, struct stat *to, int flags)
{
	if (!path[0] && flags & AT_EMPTY_PATH) return status_of(at, to);
	char whole[PATH_SIZE];
	long length = resolve(at, path, whole);
	if (length < 0) return length;
	long fd = pvm_v1_open(whole, length, 0);
	if (fd < 0) return fd;
	long result = status_of(fd, to);
	pvm_v1_close(fd);
	return result;
}

static long change(int at, const char *path, int64_t (*function)(const char *, size_t))
{
	char whole[PATH_SIZE];
	long length = resolve(at, path, whole);
	return length < 0 ? length : function(whole, length);
}

static long rename_path(int from_at, const char *from, int to_at, const char *to)
{
	char whole_from[PATH_SIZE], whole_to[PATH_SIZE];
	long from_length = resolve(from_at, from, whole_from), to_length = resolve(to_at, to, whole_to);
	if (from_length < 0 || to_length < 0) return from_length < 0 ? from_length : to_length;
	return pvm_v1_rename(whole_from, from_length, whole_to, to_length);
}

/* One entry at a time: the library asks again until there are none. */
static long list(int fd, struct dirent *to, size_t size)
{
	char entry[1 + sizeof to->d_name];
	if (size < sizeof *to) return -EINVAL;
	long length = pvm_v1_next_entry(fd, entry, sizeof entry - 1);
	if (length <= 0) return length;
	memset(to, 0, sizeof *to);
	to->d_ino = to->d_off = 1;
	to->d_reclen = sizeof *to;
	to->d_type = entry[0] == PVM_KIND_FILE ? DT_REG : entry[0] == PVM_KIND_DIRECTORY ? DT_DIR : DT_UNKNOWN;
	memcpy(to->d_name, entry + 1, length - 1);
	return to->d_reclen;
}

static long vectors(int fd, const struct iovec *vector, int count, int is_write)
{
	long sum = 0;
	for (int i = 0; i < count; i++) {
		size_t length = vector[i].iov_len;
		if (!length) continue;
		long done = is_write ? pvm_v1_write(fd, vector[i].iov_base, length) : pvm_v1_read(fd, vector[i].iov_base, length);
		if (done < 0) return sum ? sum : done;
		sum += done;
		if ((size_t)done < length) break;
	}
	return sum;
}

static long map_pages(size_t size, int flags)
{
	if (!(flags & MAP_ANONYMOUS) || flags & MAP_FIXED) return -ENODEV;
	void *pages = pvm_pages_take(size);
	return pages ? (long)pages : -ENOMEM;
}

static long clock_time(int clock, struct timespec *to)
{
	int64_t now = clock == CLOCK_REALTIME ? pvm_v1_time() : pvm_v1_ticks();
	if (now < 0) return now;
	to->tv_sec = now / NANOSECONDS;
	to->tv_nsec = now % NANOSECONDS;
	return 0;
}

/* Nobody can wake a guest: it waits by looking at the ticks. */
static long sleep_until_past(const struct timespec *time)
{
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS) return -EINVAL;
	int64_t end = pvm_v1_ticks() + time->tv_sec * NANOSECONDS + time->tv_nsec;
	while (pvm_v1_ticks() < end) {}
	return 0;
}

static long working_directory(char *to, size_t size)
{
	if (size < 2) return -ERANGE;
	strcpy(to, "/");
	return 2;
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

long __pvm_syscall(long number, const long *a)
{
	switch (number) {
	case SYS_read: return pvm_v1_read(a[0], (void *)a[1], a[2]);
	case SYS_write: return pvm_v1_write(a[0], (const void *)a[1], a[2]);
	case SYS_readv: return vectors(a[0], (const struct iovec *)a[1], a[2], 0);
	case SYS_writev: return vectors(a[0], (const struct iovec *)a[1], a[2], 1);
	case SYS_openat: return open_path(a[0], (const char *)a[1], a[2]);
	case SYS_close: return close_fd(a[0]);
	case SYS_lseek: return pvm_v1_seek(a[0], a[2], a[1]);
	case SYS_fstat: return status_of(a[0], (struct stat *)a[1]);
	case SYS_newfstatat: return status_at(a[0], (const char *)a[1], (struct stat *)a[2], a[3]);
	case SYS_faccessat: return status_at(a[0], (const char *)a[1], &(struct stat){0}, 0);
	case SYS_ftruncate: return pvm_v1_resize(a[0], a[1]);
	case SYS_getdents64: return list(a[0], (struct dirent *)a[1], a[2]);
	case SYS_unlinkat: return change(a[0], (const char *)a[1], pvm_v1_remove);
	case SYS_mkdirat: return change(a[0], (const char *)a[1], pvm_v1_make_directory);
	case SYS_renameat2: return a[4] ? -EINVAL : rename_path(a[0], (const char *)a[1], a[2], (const char *)a[3]);
	case SYS_fcntl: return a[1] == F_SETFD || a[1] == F_GETFD ? 0 : -EINVAL;
	case SYS_ioctl: return -ENOTTY;
	case SYS_getcwd: return working_directory((char *)a[0], a[1]);
	case SYS_mmap: return map_pages(a[1], a[3]);
	case SYS_munmap: return pvm_pages_give((void *)a[0], a[1]), 0;
	case SYS_clock_gettime: return clock_time(a[0], (struct timespec *)a[1]);
	case SYS_clock_nanosleep: return a[1] ? -EINVAL : sleep_until_past((const struct timespec *)a[2]);
	case SYS_nanosleep: return sleep_until_past((const struct timespec *)a[0]);
	case SYS_uname: return system_name((struct utsname *)a[0]);
	case SYS_getpid: case SYS_gettid: case SYS_set_tid_address: return IDENTITY;
	case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: return 0;
	/* No other thread and no signal can notice them. */
	case SYS_brk: case SYS_mprotect: case SYS_madvise: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_futex:
		return 0;
	case SYS_exit: case SYS_exit_group: pvm_v1_exit(a[0]); POLKAVM_TRAP();
	/* abort and raise. */
	case SYS_kill: case SYS_tkill: case SYS_tgkill: POLKAVM_TRAP();
	default: return -ENOSYS;
	}
}
