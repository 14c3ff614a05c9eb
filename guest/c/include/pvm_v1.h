/* System interface, version 1: what `pvm run` offers to a guest. The program's entry point is the export `main`; its
 * result is the exit code. */
#ifndef PVM_V1_H
#define PVM_V1_H

#include "pvm_guest.h"

enum { PVM_STDOUT = 1, PVM_STDERR = 2 };

/* Writes `length` bytes at `address` to the stream `fd`; the result is the number of bytes written, or negative. */
POLKAVM_IMPORT(int64_t, pvm_v1_write, uint32_t, const void *, size_t);

/* Ends the program with this exit code; does not return. */
POLKAVM_IMPORT(void, pvm_v1_exit, int32_t);

#endif
