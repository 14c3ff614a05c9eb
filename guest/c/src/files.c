/* Files of the C library, made of the system interface of PVM. The host knows neither several descriptors of one file nor a working
 * directory nor paths that begin at a directory: that is all here. */
#include "files.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include "pvm_v1.h"

enum { NANOSECONDS = 1000000000, PATH_SIZE = 4096, DIRECTORIES = 16 };

/* Open files, by the host's descriptor. */
static struct {
	int uses;
	int flags;
	ino_t identity;
} files[DESCRIPTORS] = {{1, O_RDONLY, 1}, {1, O_WRONLY, 2}, {1, O_WRONLY, 3}};

/* The host's descriptor plus 1, by the program's; 0 if it is free. */
static short slots[DESCRIPTORS] = {1, 2, 3};

/* Open directories: paths begin at them, and they are opened anew to be read from the start. */
static struct directory {
	int host; /* plus 1; 0 if it is free */
	long read;
	char path[PATH_SIZE];
} directories[DIRECTORIES];

static char working[PATH_SIZE] = "/";

static int host_of(int fd)
{
	return fd < 0 || fd >= DESCRIPTORS || !slots[fd] ? -EBADF : slots[fd] - 1;
}

static struct directory *directory_of(int host)
{
	for (int i = 0; host >= 0 && i < DIRECTORIES; i++) {
		if (directories[i].host == host + 1) return &directories[i];
	}
	return 0;
}

/* Another descriptor for an open file: the lowest that is free from `least` on. */
static long give(int host, int least)
{
	if (least < 0 || least >= DESCRIPTORS) return -EINVAL;
	for (int fd = least; fd < DESCRIPTORS; fd++) {
		if (slots[fd]) continue;
		slots[fd] = host + 1;
		files[host].uses++;
		return fd;
	}
	return -EMFILE;
}

static long release(int host)
{
	if (--files[host].uses > 0) return 0;
	struct directory *directory = directory_of(host);
	if (directory) directory->host = 0;
	return pvm_v1_close(host);
}

/* The whole path in `buffer`, without `.` and `..`; its length. */
static long resolve(int at, const char *path, char *buffer)
{
	size_t end = 0;
	if (!path[0]) return -ENOENT;
	if (path[0] != '/') {
		const char *base = working;
		if (at != AT_FDCWD) {
			int host = host_of(at);
			struct directory *directory = directory_of(host);
			if (!directory) return host < 0 ? host : -ENOTDIR;
			base = directory->path;
		}
		end = strlen(base);
		memcpy(buffer, base, end);
		if (end == 1) end = 0;
	}
	for (;;) {
		path += strspn(path, "/");
		size_t length = strcspn(path, "/");
		if (!length) break;
		if (length == 2 && !strncmp(path, "..", 2)) {
			while (end && buffer[--end] != '/') {}
		} else if (length != 1 || path[0] != '.') {
			if (end + 1 + length >= PATH_SIZE) return -ENAMETOOLONG;
			buffer[end] = '/';
			memcpy(buffer + end + 1, path, length);
			end += 1 + length;
		}
		path += length;
	}
	if (!end) buffer[end++] = '/';
	buffer[end] = 0;
	return end;
}

/* Programs tell files apart by their inodes: a hash of the path (FNV-1a) has to do. */
static ino_t identity_of(const char *path)
{
	ino_t hash = 0xcbf29ce484222325;
	for (; *path; path++) hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
	return hash;
}

static long remember_directory(int host, const char *path)
{
	struct pvm_status status;
	if (pvm_v1_status(host, &status) || status.kind != PVM_KIND_DIRECTORY) return 0;
	for (int i = 0; i < DIRECTORIES; i++) {
		if (directories[i].host) continue;
		directories[i].host = host + 1;
		directories[i].read = 0;
		strcpy(directories[i].path, path);
		return 0;
	}
	return -EMFILE;
}

long files_open(int at, const char *path, int flags)
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
	long host = pvm_v1_open(whole, length, wanted);
	if (host < 0) return host;
	files[host].uses = 0;
	files[host].flags = flags & (O_ACCMODE | O_APPEND);
	files[host].identity = identity_of(whole);
	long error = remember_directory(host, whole);
	long fd = error ? error : give(host, 0);
	if (fd < 0) release(host);
	return fd;
}

long files_close(int fd)
{
	int host = host_of(fd);
	if (host < 0) return host;
	slots[fd] = 0;
	return release(host);
}

long files_duplicate(int fd, int to)
{
	int host = host_of(fd);
	if (host < 0) return host;
	if (fd == to) return -EINVAL;
	if (to < 0 || to >= DESCRIPTORS) return -EBADF;
	if (slots[to]) files_close(to);
	return give(host, to);
}

/* Locks hold against other processes, of which there are none. */
long files_control(int fd, int command, long argument)
{
	int host = host_of(fd);
	if (host < 0) return host;
	switch (command) {
	case F_DUPFD: case F_DUPFD_CLOEXEC: return give(host, argument);
	case F_GETFL: return files[host].flags;
	case F_SETFL: return (argument ^ files[host].flags) & O_APPEND ? -EINVAL : 0;
	case F_GETLK: ((struct flock *)argument)->l_type = F_UNLCK; return 0;
	case F_GETFD: case F_SETFD: case F_SETLK: case F_SETLKW: return 0;
	default: return -EINVAL;
	}
}

/* 0 if a person sits at it. */
long files_terminal(int fd)
{
	int host = host_of(fd);
	struct pvm_status status;
	long error = host < 0 ? host : pvm_v1_status(host, &status);
	if (error) return error;
	return status.flags & PVM_STATUS_TERMINAL ? 0 : -ENOTTY;
}

long files_transfer(int fd, const struct iovec *vector, int count, int is_write)
{
	int host = host_of(fd);
	long sum = 0;
	if (host < 0) return host;
	for (int i = 0; i < count; i++) {
		size_t length = vector[i].iov_len;
		if (!length && count > 1) continue;
		long done = is_write ? pvm_v1_write(host, vector[i].iov_base, length) : pvm_v1_read(host, vector[i].iov_base, length);
		if (done < 0) return sum ? sum : done;
		sum += done;
		if ((size_t)done < length) break;
	}
	return sum;
}

/* The same elsewhere in the file, without moving in it. */
long files_transfer_at(int fd, const struct iovec *vector, int count, long place, int is_write)
{
	long before = files_seek(fd, 0, SEEK_CUR);
	long error = before < 0 ? before : files_seek(fd, place, SEEK_SET);
	if (error < 0) return error;
	long result = files_transfer(fd, vector, count, is_write);
	files_seek(fd, before, SEEK_SET);
	return result;
}

/* To its entry `place`: the host lists a directory from its start. */
static long seek_directory(struct directory *directory, long place)
{
	char entry[1 + sizeof ((struct dirent *)0)->d_name];
	int before = directory->host - 1;
	long host = pvm_v1_open(directory->path, strlen(directory->path), PVM_OPEN_DIRECTORY);
	if (host < 0) return host;
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (slots[fd] == before + 1) slots[fd] = host + 1;
	}
	files[host] = files[before];
	files[before].uses = 0;
	directory->host = host + 1;
	pvm_v1_close(before);
	for (directory->read = 0; directory->read < place; directory->read++) {
		if (pvm_v1_next_entry(host, entry, sizeof entry - 1) <= 0) break;
	}
	return place;
}

long files_seek(int fd, long offset, int whence)
{
	int host = host_of(fd);
	if (host < 0) return host;
	struct directory *directory = directory_of(host);
	if (!directory) return pvm_v1_seek(host, whence, offset);
	return whence == SEEK_SET && offset >= 0 ? seek_directory(directory, offset) : -EINVAL;
}

static long host_status(int host, struct stat *to)
{
	static const mode_t modes[] = {
		[PVM_KIND_FILE] = S_IFREG | 0666, [PVM_KIND_DIRECTORY] = S_IFDIR | 0777, [PVM_KIND_STREAM] = S_IFCHR | 0666,
	};
	struct pvm_status status;
	long error = pvm_v1_status(host, &status);
	if (error) return error;
	memset(to, 0, sizeof *to);
	to->st_mode = modes[status.kind];
	to->st_ino = files[host].identity;
	to->st_nlink = 1;
	to->st_size = status.size;
	to->st_blksize = PATH_SIZE;
	to->st_blocks = (status.size + 511) / 512;
	to->st_mtim.tv_sec = status.modified / NANOSECONDS;
	to->st_mtim.tv_nsec = status.modified % NANOSECONDS;
	to->st_atim = to->st_ctim = to->st_mtim;
	return 0;
}

long files_status(int fd, struct stat *to)
{
	int host = host_of(fd);
	return host < 0 ? host : host_status(host, to);
}

long files_status_at(int at, const char *path, struct stat *to, int flags)
{
	if (flags & AT_EMPTY_PATH && !path[0]) return files_status(at, to);
	char whole[PATH_SIZE];
	long length = resolve(at, path, whole);
	if (length < 0) return length;
	long host = pvm_v1_open(whole, length, 0);
	if (host < 0) return host;
	files[host].identity = identity_of(whole);
	long result = host_status(host, to);
	pvm_v1_close(host);
	return result;
}

long files_resize(int fd, long size)
{
	int host = host_of(fd);
	if (host < 0) return host;
	return size < 0 ? -EINVAL : pvm_v1_resize(host, size);
}

/* One entry at a time: the library asks again until there are none. */
long files_list(int fd, struct dirent *to, size_t size)
{
	int host = host_of(fd);
	struct directory *directory = directory_of(host);
	char entry[1 + sizeof to->d_name];
	if (!directory) return host < 0 ? host : -ENOTDIR;
	if (size < sizeof *to) return -EINVAL;
	long length = pvm_v1_next_entry(host, entry, sizeof entry - 1);
	if (length <= 0) return length;
	memset(to, 0, sizeof *to);
	to->d_ino = 1;
	to->d_off = ++directory->read;
	to->d_reclen = sizeof *to;
	to->d_type = entry[0] == PVM_KIND_FILE ? DT_REG : entry[0] == PVM_KIND_DIRECTORY ? DT_DIR : DT_UNKNOWN;
	memcpy(to->d_name, entry + 1, length - 1);
	return to->d_reclen;
}

/* The host removes whatever it is, the program only what it means. What cannot be looked at is no directory. */
long files_remove(int at, const char *path, int flags)
{
	struct stat status;
	long error = files_status_at(at, path, &status, 0);
	int is_directory = !error && S_ISDIR(status.st_mode);
	if (flags & AT_REMOVEDIR && !is_directory) return error ? error : -ENOTDIR;
	if (!(flags & AT_REMOVEDIR) && is_directory) return -EISDIR;
	char whole[PATH_SIZE];
	long length = resolve(at, path, whole);
	return length < 0 ? length : pvm_v1_remove(whole, length);
}

long files_make_directory(int at, const char *path)
{
	char whole[PATH_SIZE];
	long length = resolve(at, path, whole);
	return length < 0 ? length : pvm_v1_make_directory(whole, length);
}

long files_rename(int from_at, const char *from, int to_at, const char *to)
{
	char whole_from[PATH_SIZE], whole_to[PATH_SIZE];
	long from_length = resolve(from_at, from, whole_from), to_length = resolve(to_at, to, whole_to);
	if (from_length < 0 || to_length < 0) return from_length < 0 ? from_length : to_length;
	return pvm_v1_rename(whole_from, from_length, whole_to, to_length);
}

/* Makes it the working directory. */
long files_enter(int at, const char *path)
{
	char whole[PATH_SIZE];
	struct stat status;
	long length = resolve(at, path, whole);
	long error = length < 0 ? length : files_status_at(at, path, &status, 0);
	if (error) return error;
	if (!S_ISDIR(status.st_mode)) return -ENOTDIR;
	strcpy(working, whole);
	return 0;
}

long files_working_directory(char *to, size_t size)
{
	size_t length = strlen(working) + 1;
	if (size < length) return -ERANGE;
	memcpy(to, working, length);
	return length;
}
