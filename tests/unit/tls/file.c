/* Files read whole, and told apart without reading. */
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/file.h"

#include "base/mem.h"
#include "tests/unit/tls/pki.h"

static const char *
refusal(const char *path)
{
	static char why[TLS_WHY_BYTES];
	struct tls_bytes bytes = { NULL, 0 };
	struct tls_stamp stamp;

	cr_assert_not(tls_file_read(path, 0, &bytes, &stamp, why));
	cr_assert_null(bytes.p);
	return why;
}

static struct tls_stamp
stamp_of(const char *path, int64_t after_s)
{
	char why[TLS_WHY_BYTES];
	struct tls_bytes bytes;
	struct tls_stamp stamp;
	struct stat st;

	stat(path, &st);
	cr_assert(tls_file_read(
	    path, st.st_ctim.tv_sec + after_s, &bytes, &stamp, why));
	tls_bytes_wipe(&bytes);
	return stamp;
}

Test(file, is_read_whole)
{
	char why[TLS_WHY_BYTES];
	struct tls_bytes bytes;
	struct tls_stamp stamp;

	cr_assert(
	    tls_file_read(pki_file("f", "some bytes"), 0, &bytes, &stamp, why));
	cr_assert_eq(bytes.n, 10);
	cr_assert_eq(memcmp(bytes.p, "some bytes", 10), 0);
	tls_bytes_wipe(&bytes);
	cr_assert_null(bytes.p);
	cr_assert_eq(bytes.n, 0);
}

Test(file, of_one_byte_or_none_is_whole_too)
{
	cr_assert_eq(stamp_of(pki_file("one", "x"), 9).stat.st_size, 1);
	cr_assert_eq(stamp_of(pki_file("none", ""), 9).stat.st_size, 0);
}

Test(file, that_cannot_be_read_says_why)
{
	const char *large = pki_file("large", "");

	cr_assert_str_eq(refusal("/nonexistent"),
	    "cannot be opened: No such file or directory");
	cr_assert_str_eq(refusal(pki_directory()), "is not a regular file");
	cr_assert_eq(truncate(large, (1 << 20) + 1), 0);
	cr_assert_str_eq(refusal(large), "is larger than 1 MiB");
}

Test(file, of_one_mebibyte_is_still_read)
{
	const char *large = pki_file("large", "");

	cr_assert_eq(truncate(large, 1 << 20), 0);
	cr_assert_eq(stamp_of(large, 9).stat.st_size, 1 << 20);
}

Test(file, that_is_longer_than_it_says_is_refused)
{
	cr_assert_str_eq(
	    refusal("/proc/self/status"), "changed while it was read");
}

#define SECRET_BYTES 4096

/* Does the heap, in use or free, hold this?  The kernel reads it for us. */
static bool
heap_holds(const char *bytes, size_t n)
{
	static char heap[32 << 20];
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	unsigned long from, to;
	bool found = false;
	char line[512];

	while (fgets(line, sizeof(line), maps) != NULL) {
		ssize_t got;

		if (strstr(line, "[heap]") == NULL ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		cr_assert_leq(to - from, sizeof(heap));
		got = pread(memory, heap, to - from, (off_t)from);
		cr_assert_eq(got, (ssize_t)(to - from));
		found = memmem(heap, to - from, bytes, n) != NULL;
	}
	fclose(maps);
	close(memory);
	return found;
}

Test(file, that_was_wiped_left_no_copy_in_memory)
{
	static char secret[SECRET_BYTES];
	const char *path = pki_file("secret", "");
	char why[TLS_WHY_BYTES];
	struct tls_bytes bytes;
	struct tls_stamp stamp;
	int fd = open(path, O_WRONLY);

	for (size_t i = 0; i < SECRET_BYTES; i++)
		secret[i] = (char)(i * i / 7);
	cr_assert_eq(write(fd, secret, SECRET_BYTES), SECRET_BYTES);
	close(fd);
	cr_assert(tls_file_read(path, 0, &bytes, &stamp, why));
	tls_bytes_wipe(&bytes);
	cr_assert_not(heap_holds(secret + SECRET_BYTES / 2, 64));
}

Test(file, stamp_holds_while_nothing_changed)
{
	const char *path = pki_file("f", "one");
	struct tls_stamp stamp = stamp_of(path, 2);

	cr_assert(tls_stamp_holds(&stamp, path));
	cr_assert_not(tls_stamp_holds(&stamp, "/nonexistent"));
}

Test(file, stamp_of_a_file_just_written_holds_nothing)
{
	const char *path = pki_file("f", "one");
	struct tls_stamp stamp = stamp_of(path, 1);

	cr_assert_not(tls_stamp_holds(&stamp, path));
}

/* Each field of the stamp alone gives the change away. */
Test(file, stamp_does_not_hold_when_any_part_differs)
{
	const char *path = pki_file("f", "one");
	const struct tls_stamp stamp = stamp_of(path, 2);
	struct tls_stamp s;

	s = stamp, s.stat.st_dev++;
	cr_assert_not(tls_stamp_holds(&s, path));
	s = stamp, s.stat.st_ino++;
	cr_assert_not(tls_stamp_holds(&s, path));
	s = stamp, s.stat.st_size++;
	cr_assert_not(tls_stamp_holds(&s, path));
	s = stamp, s.stat.st_mtim.tv_sec++;
	cr_assert_not(tls_stamp_holds(&s, path));
	s = stamp, s.stat.st_mtim.tv_nsec++;
	cr_assert_not(tls_stamp_holds(&s, path));
	s = stamp, s.stat.st_ctim.tv_sec++;
	cr_assert_not(tls_stamp_holds(&s, path));
	s = stamp, s.stat.st_ctim.tv_nsec++;
	cr_assert_not(tls_stamp_holds(&s, path));
}

Test(file, stamps_are_the_same_for_the_same_bytes)
{
	struct tls_stamp a = stamp_of(pki_file("a", "one"), 2);
	struct tls_stamp b = stamp_of(pki_file("b", "one"), 2);
	struct tls_stamp c = stamp_of(pki_file("c", "two"), 2);
	struct tls_stamp d = a;

	cr_assert(tls_stamp_same(&a, &b));
	cr_assert_not(tls_stamp_same(&a, &c));
	d.stat.st_size++;
	cr_assert_not(tls_stamp_same(&a, &d));
}

Test(file, is_closed_whatever_comes_of_it)
{
	int next = open("/dev/null", O_RDONLY);

	close(next);
	stamp_of(pki_file("f", "one"), 2);
	refusal(pki_directory());
	cr_assert_eq(open("/dev/null", O_RDONLY), next);
}
