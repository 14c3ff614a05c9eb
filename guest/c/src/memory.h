/* Pages for the C library: whole pages of zeros, taken from the heap and given back. */
#ifndef PVM_MEMORY_H
#define PVM_MEMORY_H

#include <stddef.h>

/* At least `size` bytes, rounded up to pages; 0 if there is no room. */
void *pvm_pages_take(size_t size);

/* Gives back pages that were taken. */
void pvm_pages_give(void *address, size_t size);

#endif
