/* Checks the C library of the SDK from inside: each check prints its name and fails loudly. Wants a writable directory at /. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static int failures;

static void check(int holds, const char *what, int line)
{
	if (holds) return;
	printf("line %d: %s\n", line, what);
	failures++;
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static void check_text(const char *found, const char *wanted, int line)
{
	if (!strcmp(found, wanted)) return;
	printf("line %d: found \"%s\", wanted \"%s\"\n", line, found, wanted);
	failures++;
}
#define CHECK_PRINT(wanted, ...) \
	do { \
		char text[512]; \
		snprintf(text, sizeof text, __VA_ARGS__); \
		check_text(text, wanted, __LINE__); \
	} while (0)

static void printing(void)
{
	CHECK_PRINT("-1 4294967295 ff 0x10 777", "%d %u %x %#x %o", -1, -1, 255, 16, 511);
	CHECK_PRINT("[   42][42   ][00042][+42]", "[%5d][%-5d][%05d][%+d]", 42, 42, 42, 42);
	CHECK_PRINT("9223372036854775807 -128 65535", "%lld %hhd %hu", (long long)INT64_MAX, 128, 65535);
	CHECK_PRINT("abc   |  x|%|", "%-6.3s|%3c|%%|", "abcdef", 'x');
	CHECK_PRINT("3.141593 3.14 3 3.14159 3.141593e+00", "%f %.2f %.0f %g %e", M_PI, M_PI, M_PI, M_PI, M_PI);
	CHECK_PRINT("1e+100 1e-05 0.0001 100000 1e+06", "%g %g %g %g %g", 1e100, 1e-5, 1e-4, 1e5, 1e6);
	CHECK_PRINT("inf -inf nan 0x1.8p+1", "%f %f %f %a", INFINITY, -INFINITY, fabs(NAN), 3.0);
	CHECK_PRINT("0.1000000000000000055511151231257827", "%.34f", 0.1);
	CHECK_PRINT("3.1415926535897932384626433832795028", "%.34Lf", 3.14159265358979323846264338327950288L);
	CHECK_PRINT("2.2250738585072014e-308 4.9406564584124654e-324", "%.16e %.16e", 2.2250738585072014e-308, 5e-324);
}

static int print_list(char *to, size_t size, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int length = vsnprintf(to, size, format, list);
	va_end(list);
	return length;
}

static void printing_elsewhere(void)
{
	char text[8];
	int count;
	CHECK(print_list(text, sizeof text, "%s-%d%n", "longer text", 7, &count) == 13 && count == 13);
	check_text(text, "longer ", __LINE__);
	CHECK_PRINT("b a", "%2$s %1$s", "a", "b");
	CHECK_PRINT("   +1.50|1.5e+00  |-0", "%+8.*f|%-9.1e|%.0f", 2, 1.5, 1.5, -0.25);
	CHECK(setlocale(LC_CTYPE, "C.UTF-8") != 0);
	wchar_t wide[8];
	CHECK(mbstowcs(wide, "a\u00e4\u20ac", 8) == 3 && wide[2] == 0x20ac && mbstowcs(wide, "\xff", 8) == (size_t)-1);
	CHECK_PRINT("\u20ac|5.00", "%lc|%ls", (wint_t)0x20ac, L"5.00");
	char *stream_text;
	size_t size;
	FILE *stream = open_memstream(&stream_text, &size);
	CHECK(stream && fprintf(stream, "%g", 0.1) == 3 && !fclose(stream) && size == 3 && !strcmp(stream_text, "0.1"));
	free(stream_text);
}

static void scanning(void)
{
	int number;
	double real;
	char word[16];
	CHECK(sscanf("17 2.5e3 word rest", "%d %lf %15s", &number, &real, word) == 3);
	CHECK(number == 17 && real == 2500 && !strcmp(word, "word"));
	char *end;
	CHECK(strtod("0x1.8p1z", &end) == 3 && *end == 'z');
	CHECK(strtod("1.7976931348623157e308", 0) == 1.7976931348623157e308);
	CHECK(strtoull("18446744073709551615", 0, 10) == UINT64_MAX);
	errno = 0;
	CHECK(strtol("99999999999999999999", 0, 10) == INT64_MAX && errno == ERANGE);
}

static void mathematics(void)
{
	CHECK(sqrt(2) * sqrt(2) - 2 < 1e-15 && fabs(sin(M_PI / 6) - 0.5) < 1e-15 && pow(2, 0.5) == sqrt(2));
	CHECK(exp(log(10)) - 10 < 1e-14 && floor(-0.5) == -1 && round(2.5) == 3 && fmod(7, 3) == 1);
	volatile __int128 wide = (__int128)INT64_MAX * INT64_MAX;
	CHECK((int64_t)(wide / INT64_MAX) == INT64_MAX && (int64_t)(wide % 1000003) == (int64_t)(wide - wide / 1000003 * 1000003));
	volatile float single = 1.0f / 3;
	CHECK((double)single > 0.3333 && single * 3 == 1.0f && (int)-2.9 == -2 && (unsigned)3e9 == 3000000000u);
}

/* A generator of its own, so that the run is the same everywhere. */
static uint32_t state = 1;
static uint32_t next(void)
{
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void memory(void)
{
	enum { BLOCKS = 500, ROUNDS = 20000 };
	static struct { unsigned char *bytes; size_t size; unsigned char mark; } blocks[BLOCKS];
	for (int round = 0; round < ROUNDS; round++) {
		int i = next() % BLOCKS;
		for (size_t at = 0; at < blocks[i].size; at += 97) CHECK(blocks[i].bytes[at] == blocks[i].mark);
		size_t size = next() % 100 ? next() % 2000 : next() % 400000;
		unsigned char *bytes = next() % 2 ? realloc(blocks[i].bytes, size + 1) : (free(blocks[i].bytes), malloc(size + 1));
		CHECK(bytes != 0);
		if (!bytes) return;
		blocks[i].bytes = bytes;
		blocks[i].size = size;
		blocks[i].mark = round;
		memset(bytes, blocks[i].mark, size);
	}
	for (int i = 0; i < BLOCKS; i++) free(blocks[i].bytes);
	unsigned char *zeros = calloc(1 << 20, 1);
	size_t sum = 0;
	for (size_t i = 0; zeros && i < 1 << 20; i++) sum += zeros[i];
	CHECK(zeros && !sum);
	free(zeros);
	errno = 0;
	void *(*volatile allocate)(size_t) = malloc; /* else compilers take it for granted that there is room */
	CHECK(!allocate(SIZE_MAX / 2) && errno == ENOMEM);
	CHECK(!allocate((size_t)8 << 30) && errno == ENOMEM);
}

static int by_value(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

static void sorting(void)
{
	enum { COUNT = 5000 };
	static uint32_t values[COUNT];
	for (int i = 0; i < COUNT; i++) values[i] = next();
	uint32_t wanted = values[17];
	qsort(values, COUNT, sizeof *values, by_value);
	for (int i = 1; i < COUNT; i++) CHECK(values[i - 1] <= values[i]);
	uint32_t *found = bsearch(&wanted, values, COUNT, sizeof *values, by_value);
	CHECK(found && *found == wanted);
}

static jmp_buf place;

static void jump(int depth)
{
	if (depth) jump(depth - 1);
	longjmp(place, 42);
}

static void jumping(void)
{
	volatile int before = 7;
	switch (setjmp(place)) {
	case 0:
		before = 8;
		jump(10);
		break;
	case 42: CHECK(before == 8); break;
	default: CHECK(0);
	}
}

static void files(void)
{
	CHECK(!fopen("/missing", "r") && errno == ENOENT);
	CHECK(!mkdir("/made", 0777) && mkdir("/made", 0777) && errno == EEXIST);
	FILE *file = fopen("/made/file", "w+");
	CHECK(file != 0);
	if (!file) return;
	for (int i = 0; i < 10000; i++) fprintf(file, "%d\n", i);
	CHECK(!fseek(file, 0, SEEK_END) && ftell(file) == 48890);
	CHECK(!fseek(file, 10, SEEK_SET));
	char line[32];
	CHECK(fgets(line, sizeof line, file) && !strcmp(line, "5\n"));
	CHECK(!ftruncate(fileno(file), 20) && !fclose(file));
	struct stat status;
	CHECK(!stat("/made/file", &status) && S_ISREG(status.st_mode) && status.st_size == 20);
	CHECK(!stat("/made", &status) && S_ISDIR(status.st_mode));
	CHECK(!rename("/made/file", "/made/other") && access("/made/file", F_OK) && !access("/made/other", R_OK));
	file = fopen("/made/other", "a");
	CHECK(file && fputs("end", file) >= 0 && !fclose(file));
	file = fopen("/made/other", "r");
	char content[64];
	size_t size = file ? fread(content, 1, sizeof content, file) : 0;
	CHECK(size == 23 && !memcmp(content + 20, "end", 3) && feof(file));
	if (file) fclose(file);
	DIR *directory = opendir("/made");
	struct dirent *entry = directory ? readdir(directory) : 0;
	CHECK(entry && !strcmp(entry->d_name, "other") && entry->d_type == DT_REG && !readdir(directory));
	if (directory) closedir(directory);
	CHECK(rmdir("/made") && errno == ENOTEMPTY);
	CHECK(!unlink("/made/other") && !rmdir("/made"));
	file = tmpfile();
	CHECK(!file || !fclose(file));
}

static int visited;

static int visit(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)path, (void)status;
	visited += 1 + at->level * 10 + (kind == FTW_F) * 100;
	return 0;
}

static void directories(void)
{
	char path[64];
	CHECK(!mkdir("/tree", 0777) && !mkdir("/tree/sub", 0777) && !mkdir("/tree/sub/deep", 0777));
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "/tree/sub/%d", i);
		int fd = open(path, O_WRONLY | O_CREAT, 0666);
		CHECK(fd >= 0 && !close(fd));
	}
	CHECK(!nftw("/tree", visit, 8, FTW_PHYS) && visited == 8 + (0 + 10 + 6 * 20) + 500);
	DIR *directory = opendir("/tree/sub");
	CHECK(directory != 0);
	if (!directory) return;
	for (int i = 0; i < 3; i++) CHECK(readdir(directory) != 0);
	long place = telldir(directory);
	struct dirent *entry = readdir(directory);
	CHECK(entry && !strcmp(entry->d_name, "3"));
	rewinddir(directory);
	entry = readdir(directory);
	CHECK(entry && !strcmp(entry->d_name, "0"));
	seekdir(directory, place);
	entry = readdir(directory);
	CHECK(entry && !strcmp(entry->d_name, "3"));
	CHECK(!fstatat(dirfd(directory), "4", &(struct stat){0}, 0) && openat(dirfd(directory), "none", O_RDONLY) < 0);
	CHECK(!closedir(directory));
	CHECK(!chdir("/tree/sub") && !access("deep", F_OK) && !chdir("..") && !strcmp(getcwd(path, sizeof path), "/tree"));
	CHECK(realpath("sub/../sub/deep", path) && !strcmp(path, "/tree/sub/deep") && chdir("sub/0") && errno == ENOTDIR);
	CHECK(unlink("sub/deep") && errno == EISDIR && rmdir("sub/1") && errno == ENOTDIR && rmdir("none") && errno == ENOENT);
	CHECK(!remove("sub/deep") && !access("sub/1", F_OK));
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "sub/%d", i);
		CHECK(!remove(path));
	}
	CHECK(!chdir("/") && !rmdir("/tree/sub") && !rmdir("/tree"));
}

static void descriptors(void)
{
	char text[16] = {0};
	int fd = open("/file", O_RDWR | O_CREAT | O_EXCL, 0666);
	CHECK(fd >= 3 && write(fd, "0123456789", 10) == 10);
	if (fd < 0) return;
	CHECK(pread(fd, text, 3, 4) == 3 && !strcmp(text, "456") && pwrite(fd, "ab", 2, 8) == 2 && lseek(fd, 0, SEEK_CUR) == 10);
	int other = dup(fd);
	CHECK(other > fd && !close(fd) && lseek(other, 1, SEEK_SET) == 1 && read(other, text, 2) == 2 && !memcmp(text, "12", 2));
	CHECK(fcntl(other, F_DUPFD, 100) == 100 && lseek(100, 0, SEEK_CUR) == 3 && !close(100) && close(100) && errno == EBADF);
	struct stat one, two;
	CHECK(!fstat(other, &one) && !stat("/./none/../file", &two) && one.st_ino == two.st_ino && !stat("/", &two) && one.st_ino != two.st_ino);
	CHECK((fcntl(other, F_GETFL) & O_ACCMODE) == O_RDWR && !fcntl(other, F_SETLK, &(struct flock){.l_type = F_WRLCK}));
	CHECK(!fchmod(other, 0600) && !fsync(other) && !truncate("/file", 4) && lseek(other, 0, SEEK_END) == 4);
	CHECK(!isatty(other) && open("/file", O_RDONLY | O_DIRECTORY) < 0 && errno == ENOTDIR && !close(other));
	/* The standard output goes to a file and comes back. */
	fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	CHECK(freopen("/file", "w", stdout) && printf("into the file") == 13 && !fflush(stdout));
	CHECK(dup2(kept, STDOUT_FILENO) == STDOUT_FILENO && !close(kept));
	FILE *file = fopen("/file", "r");
	CHECK(file && fgets(text, 5, file) && !strcmp(text, "into") && ungetc('x', file) == 'x' && fgetc(file) == 'x' && !fclose(file));
	for (fd = 0; fd >= 0;) fd = open("/file", O_RDONLY);
	CHECK(errno == EMFILE);
	for (fd = 3; !close(fd); fd++) {}
	CHECK(fd == 256 && !remove("/file"));
}

static volatile sig_atomic_t caught;

static void catch(int number)
{
	caught = number;
}

static void signals(void)
{
	CHECK(signal(SIGUSR1, catch) == SIG_DFL && !raise(SIGUSR1) && caught == SIGUSR1);
	CHECK(signal(SIGUSR1, SIG_IGN) == catch && !raise(SIGUSR1) && signal(SIGKILL, catch) == SIG_ERR);
}

static void times(void)
{
	CHECK(time(0) == -1 || time(0) > 1600000000);
	struct timespec first, second;
	CHECK(!clock_gettime(CLOCK_MONOTONIC, &first));
	CHECK(!nanosleep(&(struct timespec){0, 2000000}, 0));
	CHECK(!clock_gettime(CLOCK_MONOTONIC, &second));
	CHECK((second.tv_sec - first.tv_sec) * 1000000000 + second.tv_nsec - first.tv_nsec >= 2000000);
	struct tm tm;
	char text[64];
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&(time_t){1000000000}, &tm));
	check_text(text, "2001-09-09 01:46:40", __LINE__);
}

static void at_end(void)
{
	puts("at end");
}

int main(int argc, char **argv)
{
	atexit(at_end);
	printing();
	printing_elsewhere();
	scanning();
	mathematics();
	memory();
	sorting();
	jumping();
	files();
	directories();
	descriptors();
	signals();
	times();
	printf("%d arguments:", argc - 1);
	for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
	printf("\nVARIABLE=%s\n", getenv("VARIABLE") ? getenv("VARIABLE") : "(none)");
	char line[64];
	while (fgets(line, sizeof line, stdin)) printf("input: %s", line);
	printf("%d failures\n", failures);
	return failures ? 1 : 0;
}
