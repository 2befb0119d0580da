#ifndef DISCOVERY_FILE_H
#define DISCOVERY_FILE_H

#include <stdbool.h>

#include "base/text.h"

struct discovery;
struct loop;
struct notifier;

#define FILE_BYTES_MOST	(4u << 20)

/*
 * A file as a provider: read at the start, before that returns, and whenever
 * it may have changed.  `read' makes an answer or a failure of the bytes.
 * Without a notifier it is looked at every ten seconds only.
 */
struct provider	*discovery_file_new(struct loop *, struct notifier *,
		    const char *path, void (*read)(struct discovery *,
		    const char *path, struct text, bool anew));
/* Whether this is what it reads; of another kind of provider never. */
bool		 discovery_file_fits(const struct provider *, const char *path);

#endif
