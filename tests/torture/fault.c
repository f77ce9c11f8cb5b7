/* Faults of a disk and of a clock, for LD_PRELOAD: writes, syncs and truncations of the files in one folder fail or
 * stall, and the wall clock is wrong.
 *
 * FAULT_FOLDER is the folder; FAULT_CONTROL a file of 8 native ints, shared with the test (see fault.py):
 * which calls are counted, from which on they fail, how many do, with which error, after how many milliseconds;
 * how many have been counted since, how many have failed; by how many seconds the wall clock is ahead. An error of 0 is
 * a stall alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4 };
struct control { int calls, first, times, error, stall_ms, counted, failed, ahead_s; };

static struct control *control;
static char folder[PATH_MAX];

__attribute__((constructor)) static void set_up(void)
{
	const char *path = getenv("FAULT_CONTROL"), *name = getenv("FAULT_FOLDER");
	int fd = path && name && realpath(name, folder) ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED)
		control = NULL;
	close(fd);
}

static int is_meant(int fd)
{
	char link[64], path[PATH_MAX];
	size_t length = strlen(folder);
	ssize_t size;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof path - 1);
	return size > (ssize_t)length && !memcmp(path, folder, length) && path[length] == '/';
}

/* Return the error that this call shall fail with, 0 for none. */
static int fault(int call, int fd)
{
	struct timespec pause;
	int number;

	if (!control || !(control->calls & call) || !is_meant(fd))
		return 0;
	number = __atomic_add_fetch(&control->counted, 1, __ATOMIC_SEQ_CST);
	if (!control->first || number < control->first || number >= control->first + control->times)
		return 0;
	__atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
	pause.tv_sec = control->stall_ms / 1000;
	pause.tv_nsec = control->stall_ms % 1000 * 1000000L;
	nanosleep(&pause, NULL);
	return control->error;
}

#define REPLACE(type, name, call, parameters, ...) \
	type name parameters \
	{ \
		static type (*real) parameters; \
		int error = fault(call, fd); \
		if (!real) \
			real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
		if (error) { \
			errno = error; \
			return -1; \
		} \
		return real(__VA_ARGS__); \
	}

REPLACE(ssize_t, write, WRITE, (int fd, const void *data, size_t size), fd, data, size)
REPLACE(ssize_t, pwrite, WRITE, (int fd, const void *data, size_t size, off_t at), fd, data, size, at)
REPLACE(ssize_t, pwrite64, WRITE, (int fd, const void *data, size_t size, off64_t at), fd, data, size, at)
REPLACE(int, fsync, SYNC, (int fd), fd)
REPLACE(int, fdatasync, SYNC, (int fd), fd)
REPLACE(int, ftruncate, TRUNCATE, (int fd, off_t size), fd, size)
REPLACE(int, ftruncate64, TRUNCATE, (int fd, off64_t size), fd, size)

/* time.time() of Python, and all that it is made of, comes through here. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	result = real(clock, now);
	if (!result && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += control->ahead_s;
	return result;
}
