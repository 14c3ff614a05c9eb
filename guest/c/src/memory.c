/* Pages for the C library: first fit in a list of free ranges, sorted by address, else the heap grows. */
#include "memory.h"
#include <stdint.h>
#include <string.h>
#include "pvm_guest.h"

enum { PAGE = 4096 };

/* A free range begins with its record. */
struct range {
	struct range *next;
	size_t size;
};

static struct range *free_ranges;

static size_t round_up(size_t size)
{
	return (size + PAGE - 1) & -(size_t)PAGE;
}

static void *grow(size_t size)
{
	uintptr_t end = (uintptr_t)pvm_sbrk(0);
	size_t skipped = -end & (PAGE - 1);
	/* The machine takes 2^32 and more for a question where the end is. */
	if (size > UINT32_MAX - skipped || !pvm_sbrk(skipped + size)) return 0;
	return (void *)(end + skipped);
}

void *pvm_pages_take(size_t size)
{
	if (!size || size > SIZE_MAX - PAGE) return 0;
	size = round_up(size);
	for (struct range **link = &free_ranges; *link; link = &(*link)->next) {
		struct range *range = *link;
		if (range->size < size) continue;
		if (range->size == size) {
			*link = range->next;
		} else {
			struct range *rest = (struct range *)((char *)range + size);
			rest->next = range->next;
			rest->size = range->size - size;
			*link = rest;
		}
		return memset(range, 0, size);
	}
	return grow(size);
}

void pvm_pages_give(void *address, size_t size)
{
	struct range *range = address, *before = 0, *after = free_ranges;
	size = round_up(size);
	if (!size) return;
	for (; after && after < range; after = after->next) before = after;
	range->size = size;
	range->next = after;
	if (after && (char *)range + size == (char *)after) {
		range->size += after->size;
		range->next = after->next;
	}
	if (!before) {
		free_ranges = range;
	} else if ((char *)before + before->size == (char *)range) {
		before->size += range->size;
		before->next = range->next;
	} else {
		before->next = range;
	}
}
