/* System interface, version 1: what `pvm run` offers to a guest (docs/system.md). The program's entry point is the export
 * `main`; its result is the exit code. Negative results are negated error numbers of Linux. */
#ifndef PVM_V1_H
#define PVM_V1_H

#include "pvm_guest.h"

enum { PVM_STDIN = 0, PVM_STDOUT = 1, PVM_STDERR = 2 };

/* Flags of pvm_v1_open. */
enum {
    PVM_OPEN_WRITE = 1,
    PVM_OPEN_CREATE = 2,
    PVM_OPEN_EXCLUSIVE = 4,
    PVM_OPEN_TRUNCATE = 8,
    PVM_OPEN_APPEND = 16,
    PVM_OPEN_DIRECTORY = 32
};

/* Kinds of a status record and of a directory's entry. */
enum { PVM_KIND_FILE = 1, PVM_KIND_DIRECTORY = 2, PVM_KIND_STREAM = 3, PVM_KIND_OTHER = 4 };

enum { PVM_SEEK_START = 0, PVM_SEEK_CURRENT = 1, PVM_SEEK_END = 2 };

/* In the result of pvm_v1_key: the key went down. */
#define PVM_KEY_DOWN 0x10000

/* In a status record: a stream that a person sits at. */
enum { PVM_STATUS_TERMINAL = 1 };

/* What pvm_v1_status writes. */
struct pvm_status {
    uint32_t kind;
    uint32_t flags; /* PVM_STATUS_TERMINAL, or 0 */
    uint64_t size;
    int64_t modified; /* nanoseconds since 1970 */
};

/* Ends the program with this exit code; does not return. */
POLKAVM_IMPORT(void, pvm_v1_exit, int32_t);

/* Writes to a stream or file: fd, bytes, length; the number of bytes written. */
POLKAVM_IMPORT(int64_t, pvm_v1_write, uint32_t, const void *, size_t);

/* Reads from a stream or file: fd, buffer, length; the number of bytes read, 0 at the end. */
POLKAVM_IMPORT(int64_t, pvm_v1_read, uint32_t, void *, size_t);

/* Copies the arguments, each ended by a 0 byte, as far as they fit: buffer, length; the size of all. */
POLKAVM_IMPORT(int64_t, pvm_v1_arguments, char *, size_t);

/* Copies the environment, each `name=value` ended by a 0 byte, as far as it fits: buffer, length; the size of all. */
POLKAVM_IMPORT(int64_t, pvm_v1_environment, char *, size_t);

/* Nanoseconds since the program began. */
POLKAVM_IMPORT(int64_t, pvm_v1_ticks);

/* Nanoseconds since 1970. */
POLKAVM_IMPORT(int64_t, pvm_v1_time);

/* Opens a file or directory: path, its length, flags; its fd. */
POLKAVM_IMPORT(int64_t, pvm_v1_open, const char *, size_t, uint32_t);

/* Closes: fd. */
POLKAVM_IMPORT(int64_t, pvm_v1_close, uint32_t);

/* Moves in a file: fd, whence, offset; the new place. */
POLKAVM_IMPORT(int64_t, pvm_v1_seek, uint32_t, uint32_t, int64_t);

/* What an fd is: fd, record. */
POLKAVM_IMPORT(int64_t, pvm_v1_status, uint32_t, struct pvm_status *);

/* Cuts or extends a file: fd, size. */
POLKAVM_IMPORT(int64_t, pvm_v1_resize, uint32_t, uint64_t);

/* The next entry of a directory, a byte for its kind and then its name: fd, buffer, length; its size, 0 at the end. */
POLKAVM_IMPORT(int64_t, pvm_v1_next_entry, uint32_t, void *, size_t);

/* Removes a file or an empty directory: path, its length. */
POLKAVM_IMPORT(int64_t, pvm_v1_remove, const char *, size_t);

/* Renames: path, its length, new path, its length. */
POLKAVM_IMPORT(int64_t, pvm_v1_rename, const char *, size_t, const char *, size_t);

/* Makes a directory: path, its length. */
POLKAVM_IMPORT(int64_t, pvm_v1_make_directory, const char *, size_t);

/* Shows a picture: rows of 0x00RRGGBB pixels, width, height. */
POLKAVM_IMPORT(int64_t, pvm_v1_show, const uint32_t *, uint32_t, uint32_t);

/* The next key event: USB HID usage of page 7, plus PVM_KEY_DOWN; -11 if there is none. */
POLKAVM_IMPORT(int64_t, pvm_v1_key);

/* Plays sound of 44,100 frames a second: frames of left and right sample, their number; how many were taken. */
POLKAVM_IMPORT(int64_t, pvm_v1_play, const int16_t *, uint32_t);

#endif
