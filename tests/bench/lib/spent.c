/*
 * /proc/PID/task/TID/schedstat begins with the nanoseconds a thread has run;
 * /proc/PID/stat has its process's ticks of both kinds, /proc/stat the cores'.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/lib/spent.h"

enum { TEXT_MOST = 8192, USER_FIELD = 11, OUR_CORES = 2 };
/* The columns of a core's line in /proc/stat. */
enum { IDLE = 3, IOWAIT = 4, STEAL = 8 };

static void add_process(struct spent *, long pid);
static double thread_s(const char *path);
static bool read_text(const char *path, char text[TEXT_MOST]);
static double busy_ticks(const char *line);

struct spent
spent_by(const char *pids)
{
	struct spent all = { 0 };
	char *end;
	long pid;

	while ((pid = strtol(pids, &end, 10)) > 0) {
		add_process(&all, pid);
		pids = *end == ',' ? end + 1 : end;
	}
	return all;
}

double
spent_on_our_cores_s(void)
{
	char text[TEXT_MOST], name[16];
	double ticks = 0;
	unsigned core;
	char *line;

	if (!read_text("/proc/stat", text))
		return 0;
	for (core = 0; core < OUR_CORES; core++) {
		snprintf(name, sizeof(name), "\ncpu%u ", core);
		line = strstr(text, name);
		if (line != NULL)
			ticks += busy_ticks(line + strlen(name));
	}
	return ticks / (double)sysconf(_SC_CLK_TCK);
}

static void
add_process(struct spent *all, long pid)
{
	const double hz = (double)sysconf(_SC_CLK_TCK);
	char path[64], text[TEXT_MOST], *at;
	struct dirent *d;
	DIR *tasks;
	int i;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (!read_text(path, text) || (at = strrchr(text, ')')) == NULL)
		return;
	at += 2;
	for (i = 0; i < USER_FIELD && (at = strchr(at, ' ')) != NULL; i++)
		at++;
	if (at != NULL) {
		all->user_s += (double)strtoull(at, &at, 10) / hz;
		all->system_s += (double)strtoull(at, NULL, 10) / hz;
	}
	snprintf(path, sizeof(path), "/proc/%ld/task", pid);
	tasks = opendir(path);
	while (tasks != NULL && (d = readdir(tasks)) != NULL)
		if (d->d_name[0] != '.') {
			snprintf(text, sizeof(text), "%s/%s/schedstat", path,
			    d->d_name);
			all->run_s += thread_s(text);
		}
	if (tasks != NULL)
		closedir(tasks);
}

static double
thread_s(const char *path)
{
	char text[TEXT_MOST];

	return read_text(path, text) ? (double)strtoull(text, NULL, 10) / 1e9
				     : 0;
}

static bool
read_text(const char *path, char text[TEXT_MOST])
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, TEXT_MOST - 1, f);
	text[n] = '\0';
	fclose(f);
	return n > 0;
}

/* From the first number of a core's line. */
static double
busy_ticks(const char *line)
{
	double sum = 0;
	char *end;
	int i;

	for (i = 0; i < STEAL; i++, line = end) {
		unsigned long long n = strtoull(line, &end, 10);

		if (i != IDLE && i != IOWAIT)
			sum += (double)n;
	}
	return sum;
}
