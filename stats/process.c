/*
 * What the kernel knows of this process, under the names that every
 * Prometheus client library gives it.  Reads /proc; on the control thread,
 * once per scrape.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "stats/process.h"
#include "stats/view.h"

static double cpu_seconds(void);
static void read_memory(struct view_process *);
static uint64_t count_fds(void);
static size_t read_file(const char *, char *, size_t);
static struct text word_at(struct text, unsigned);

void
process_read(struct view_process *p)
{
	struct rlimit fds;

	memset(p, 0, sizeof(*p));
	p->cpu_seconds = cpu_seconds();
	read_memory(p);
	p->open_fds = count_fds();
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
		p->max_fds = fds.rlim_cur;
}

static double
seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double
cpu_seconds(void)
{
	struct rusage used = { 0 };

	(void)getrusage(RUSAGE_SELF, &used);
	return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

/* /proc/self/statm: virtual and resident size, in pages. */
static void
read_memory(struct view_process *p)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages;
	char line[256];
	struct text all = { line,
		read_file("/proc/self/statm", line, sizeof(line)) };

	if (text_to_u64(word_at(all, 0), UINT64_MAX / page, &pages))
		p->virtual_bytes = pages * page;
	if (text_to_u64(word_at(all, 1), UINT64_MAX / page, &pages))
		p->resident_bytes = pages * page;
}

/* The descriptor that reads the directory is not counted. */
static uint64_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			n++;
	(void)closedir(dir);
	return n - 1;
}

/* A small file's bytes; their count, 0 when it cannot be read. */
static size_t
read_file(const char *path, char *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, to, room);
	(void)close(fd);
	return n == -1 ? 0 : (size_t)n;
}

/* The word at a place from 0, by single spaces; empty past the end. */
static struct text
word_at(struct text line, unsigned place)
{
	struct text word = TEXT_NONE;
	unsigned i;

	for (i = 0; i <= place; i++)
		if (!text_split(&line, ' ', &word))
			return TEXT_NONE;
	return word;
}
