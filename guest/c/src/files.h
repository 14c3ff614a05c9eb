/* Files of the C library: its calls as Linux has them, with errors as negative results. */
#ifndef PVM_FILES_H
#define PVM_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* As many as the host has. */
enum { DESCRIPTORS = 256 };

long files_open(int at, const char *path, int flags);
long files_close(int fd);
long files_control(int fd, int command, long argument);
long files_duplicate(int fd, int to);
long files_terminal(int fd);
long files_transfer(int fd, const struct iovec *vector, int count, int is_write);
long files_transfer_at(int fd, const struct iovec *vector, int count, long place, int is_write);
long files_seek(int fd, long offset, int whence);
long files_status(int fd, struct stat *to);
long files_status_at(int at, const char *path, struct stat *to, int flags);
long files_resize(int fd, long size);
long files_list(int fd, struct dirent *to, size_t size);
long files_remove(int at, const char *path, int flags);
long files_make_directory(int at, const char *path);
long files_rename(int from_at, const char *from, int to_at, const char *to);
long files_enter(int at, const char *path);
long files_working_directory(char *to, size_t size);

#endif
