/* Start of a hosted program: the export `main` fetches arguments and environment and enters the C library. */
#include <stddef.h>
#include <stdint.h>
#include "pvm_v1.h"

POLKAVM_MIN_STACK_SIZE(1 << 20);

int main(int, char **, char **);
int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void));

/* musl calls them around the lists of constructors and destructors. */
void _init(void) {}
void _fini(void) {}

/* The C library takes what a kernel leaves on the stack: arguments, 0, environment, 0, auxiliary pairs. */
enum { AT_NULL = 0, AT_PAGESZ = 6, PAGE = 4096, AUXILIARY_WORDS = 4 };

static size_t count(const char *texts, size_t size)
{
	size_t found = 0;
	for (size_t i = 0; i < size; i++) found += !texts[i];
	return found;
}

static char **split(char *texts, size_t size, char **to)
{
	for (size_t i = 0, start = 0; i < size; i++) {
		if (texts[i]) continue;
		*to++ = texts + start;
		start = i + 1;
	}
	*to++ = 0;
	return to;
}

__attribute__((used)) static int pvm_start(void)
{
	size_t arguments = pvm_v1_arguments(0, 0), environment = pvm_v1_environment(0, 0);
	char texts[arguments + environment + 1];
	pvm_v1_arguments(texts, arguments);
	pvm_v1_environment(texts + arguments, environment);
	size_t argument_count = count(texts, arguments);
	char *vector[argument_count + count(texts + arguments, environment) + 2 + AUXILIARY_WORDS];
	char **next = split(texts, arguments, vector);
	next = split(texts + arguments, environment, next);
	uintptr_t auxiliary[AUXILIARY_WORDS] = {AT_PAGESZ, PAGE, AT_NULL, 0};
	for (int i = 0; i < AUXILIARY_WORDS; i++) next[i] = (char *)auxiliary[i];
	return __libc_start_main(main, argument_count, vector, _init, _fini, 0);
}

/* The export's name is `main` but its function is ours, so that the macro for exports does not do. */
static struct pvm_metadata_v1 start_metadata PVM_METADATA = {1, 0, 4, "main", 0, 1};
__attribute__((naked, used)) static void start_export(void)
{
	__asm__ volatile(
		".pushsection .polkavm_exports,\"Ra\",@note\n"
		".byte 1\n"
		PVM_ASM_POINTER " %0\n"
		PVM_ASM_POINTER " %1\n"
		".popsection\n"
		: : "i"(&start_metadata), "i"(&pvm_start));
}
