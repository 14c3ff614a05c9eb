// Allocation for C++ without exceptions: what does not fit aborts.
#include <stddef.h>
#include <stdlib.h>

namespace std {
enum class align_val_t : size_t {};
struct nothrow_t;
} // namespace std

static void *checked(void *memory)
{
	if (!memory) abort();
	return memory;
}

// `aligned_alloc` wants whole multiples of the alignment.
static void *aligned(size_t size, std::align_val_t alignment)
{
	size_t unit = static_cast<size_t>(alignment);
	return checked(aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

void *operator new(size_t size) { return checked(malloc(size ? size : 1)); }
void *operator new[](size_t size) { return checked(malloc(size ? size : 1)); }
void *operator new(size_t size, const std::nothrow_t &) noexcept { return malloc(size ? size : 1); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return malloc(size ? size : 1); }
void *operator new(size_t size, std::align_val_t alignment) { return aligned(size, alignment); }
void *operator new[](size_t size, std::align_val_t alignment) { return aligned(size, alignment); }
void operator delete(void *memory) noexcept { free(memory); }
void operator delete[](void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }
void operator delete[](void *memory, size_t) noexcept { free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { free(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void *memory, size_t, std::align_val_t) noexcept { free(memory); }
void operator delete[](void *memory, size_t, std::align_val_t) noexcept { free(memory); }

// Called when a pure virtual or a deleted function is, and for destructors of statics, which run at exit.
extern "C" void __cxa_pure_virtual() { abort(); }
extern "C" void __cxa_deleted_virtual() { abort(); }
extern "C" int __cxa_guard_acquire(unsigned char *guard) { return !*guard; }
extern "C" void __cxa_guard_release(unsigned char *guard) { *guard = 1; }
extern "C" void __cxa_guard_abort(unsigned char *) {}
