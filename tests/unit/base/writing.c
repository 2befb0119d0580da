/* The files of the one test that runs. */
#include "tests/unit/base/writing.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static char dir[] = "/tmp/fairlead-writer.XXXXXX";
char path[64], other[64];

void
writing_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(other, sizeof(other), "%s/log.1", dir);
	log_setup(LOG_ERROR, LOG_TEXT);
	fclose(stderr);
	close(STDERR_FILENO);
	open("/dev/null", O_WRONLY);
}

void
writing_down(void)
{
	unlink(path);
	unlink(other);
	rmdir(dir);
}

bool
put(struct ring *r, const char *line)
{
	return ring_put(r, line, strlen(line));
}

char *
content(const char *of)
{
	static char bytes[4000000];
	FILE *f = fopen(of, "r");
	size_t n;

	cr_assert_not_null(f, "%s", of);
	n = fread(bytes, 1, sizeof(bytes) - 1, f);
	fclose(f);
	bytes[n] = '\0';
	return bytes;
}

off_t
size_of(const char *of)
{
	struct stat st;

	return stat(of, &st) == -1 ? -1 : st.st_size;
}

unsigned
fill(struct ring *r)
{
	char line[101];
	unsigned n = 0;

	memset(line, 'x', sizeof(line));
	line[99] = '\n';
	while (ring_put(r, line, 100))
		n++;
	return n;
}
