/*
 * Where access lines go: one flusher for each file that was ever configured.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/access_file.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/writer.h"
#include "conf/conf.h"
#include "proxy/control.h"

struct access_file {
	char *path; /* NULL: the log that is off */
	struct writer *writer; /* NULL likewise */
	struct ring **rings;
};

static struct access_file *find(const struct control *, const char *);
static bool same(const char *, const char *);
static struct access_file *add(struct control *, const char *, struct writer *);

int
access_file_prepare(struct control *control, const struct conf *conf,
    struct conf_errors *errors)
{
	const char *path = conf->access_log;
	struct writer *writer = NULL;
	struct conf_place place = conf->access_log_place;

	if (find(control, path) != NULL)
		return 0;
	if (path != NULL) {
		writer = writer_new(path);
		if (writer == NULL) {
			if (place.file == NULL)
				place.file = conf->path;
			conf_error_at(errors, place,
			    "access_log.output: cannot open %s: %s", path,
			    strerror(errno));
			return -1;
		}
	}
	add(control, path, writer);
	return 0;
}

struct ring **
access_file_rings(struct control *control, const char *path)
{
	return find(control, path)->rings;
}

void
access_files_reopen(struct control *control)
{
	for (unsigned i = 0; i < control->nfiles; i++)
		if (control->files[i]->writer != NULL)
			writer_reopen(control->files[i]->writer);
	log_info("logs are opened anew");
}

uint64_t
access_files_dropped(const struct control *control)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < control->nfiles; i++)
		if (control->files[i]->writer != NULL)
			n += writer_dropped(control->files[i]->writer);
	return n;
}

void
access_files_free(struct control *control)
{
	for (unsigned i = 0; i < control->nfiles; i++) {
		struct access_file *f = control->files[i];

		if (f->writer != NULL)
			writer_free(f->writer);
		free(f->rings);
		free(f->path);
		free(f);
	}
	free(control->files);
	control->nfiles = 0;
}

static struct access_file *
find(const struct control *control, const char *path)
{
	for (unsigned i = 0; i < control->nfiles; i++)
		if (same(control->files[i]->path, path))
			return control->files[i];
	return NULL;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct access_file *
add(struct control *control, const char *path, struct writer *writer)
{
	struct access_file *f = xcalloc(1, sizeof(*f));

	f->path = path != NULL ? xstrdup(path) : NULL;
	f->writer = writer;
	f->rings = xcalloc(control->nworkers, sizeof(*f->rings));
	for (unsigned i = 0; writer != NULL && i < control->nworkers; i++)
		f->rings[i] = writer_ring(writer);
	control->files = xrealloc(control->files,
	    (control->nfiles + 1) * sizeof(struct access_file *));
	control->files[control->nfiles++] = f;
	return f;
}
