/*
 * The corpus of messages, read from the repository.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/corpus.h"

static int is_file(const struct dirent *);
static char *path_of(const char *kind, const char *name, const char *suffix);
static void read_row(struct corpus_row *, char *line, unsigned nwords);

struct corpus_row *
corpus_rows(const char *kind, const char *class, unsigned nwords, unsigned *n)
{
	char *prefix = keep_printf("%s_", class), *rest, *line;
	struct corpus_row *rows;
	unsigned cap = 1;

	cr_assert_leq(nwords, CORPUS_WORDS);
	rest = keep_file(path_of(kind, "", ".txt"));
	for (line = rest; *line != '\0'; line++)
		cap += *line == '\n';
	rows = keep(cap * sizeof(*rows));
	*n = 0;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			read_row(&rows[(*n)++], line, nwords);
	cr_assert_gt(*n, 0, "%s: no class %s", kind, class);
	return rows;
}

char **
corpus_names(const char *kind, unsigned *n)
{
	char *path = path_of(kind, "", ""), **names;
	struct dirent **entries;
	int found = scandir(path, &entries, is_file, alphasort);

	cr_assert_gt(found, 0, "%s: no corpus", path);
	*n = (unsigned)found;
	names = keep(*n * sizeof(*names));
	for (unsigned i = 0; i < *n; i++) {
		names[i] = keep_printf("%s", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return names;
}

bool
corpus_read(const char *kind, const char *name, struct bytes *b)
{
	char *path = path_of(kind, "/", name), piece[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	*b = (struct bytes){ 0 };
	if (f == NULL)
		return false;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		bytes_add(b, piece, n);
	fclose(f);
	cr_assert_gt(b->n, 0, "%s is empty", path);
	return true;
}

static int
is_file(const struct dirent *entry)
{
	return entry->d_type == DT_REG;
}

static char *
path_of(const char *kind, const char *name, const char *suffix)
{
	const char *root = getenv("FAIRLEAD_ROOT");

	return keep_printf("%s/tests/corpus/%s%s%s", root == NULL ? "." : root,
	    kind, name, suffix);
}

/* The last word is the rest of the line: who asks for it, for people. */
static void
read_row(struct corpus_row *row, char *line, unsigned nwords)
{
	unsigned i;

	row->name = strsep(&line, " ");
	for (i = 0; i < nwords; i++)
		row->words[i] = strsep(&line, " ");
	cr_assert_not_null(line, "%s: the row is short", row->name);
}
