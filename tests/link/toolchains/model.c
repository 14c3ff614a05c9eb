/* A program that meets most of what compilers make: jump tables, tables of pointers, read-only pointers, small data, calls
   near and far, address arithmetic, strings. */
typedef unsigned int u32;
struct op { u32 (*f)(u32); const char *name; u32 weight; };
static u32 twice(u32 x) { return x * 2; }
static u32 square(u32 x) { return x * x; }
__attribute__((noinline)) u32 outside(u32 x) { return x ^ 0x55; }
static const struct op ops[] = { { twice, "twice", 3 }, { square, "square", 5 }, { outside, "outside", 7 } };
int counter = 100;
int *const fixed = &counter;
static int zero[64];
const char *names[] = { "a", "bc", "def" };
extern int absent __attribute__((weak));
extern u32 other_value;
u32 other(u32);
__attribute__((noinline)) static u32 choose(u32 n, u32 x)
{
    switch (n) {
    case 0: return x + 1;
    case 1: return other(x);
    case 2: return x * 7;
    case 3: counter += x; return counter;
    case 4: return (u32)names[x % 3][0];
    case 5: return x ^ other_value;
    case 6: zero[x % 64]++; return zero[(x + 1) % 64] + zero[x % 64];
    case 7: return *fixed;
    default: return 3;
    }
}
__attribute__((noinline)) static void *label_of(int i)
{
    return i ? (void *)&counter : (void *)&zero[5];
}
u32 main_sum(void)
{
    u32 sum = 0;
    for (u32 i = 0; i < 200; i++) {
        const struct op *op = &ops[i % 3];
        sum = sum * 31 + op->f(i) * op->weight + (u32)op->name[i % 5 % 3];
        sum = sum * 31 + choose(i % 10, i);
        *(int *)label_of(i & 1) += 1;
    }
    if (&absent) sum += absent;
    return sum * 31 + *fixed;
}
