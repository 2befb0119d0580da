#ifndef STATS_EXPOSITION_H
#define STATS_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct histogram_sum;

/*
 * Prometheus' text format 0.0.4 and nothing else: families, samples, escapes,
 * numbers.  Knows no metric of ours.
 */
enum family_type { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM };

struct family {
	const char		*name;
	enum family_type	 type;
	const char		*labels;	/* "route,method"; "": none */
	const char		*help;		/* without backslash and newline */
};

struct exposition {
	struct buf		*to;
	const struct family	*family;
	bool			 begun;		/* its HELP and TYPE are out */
};

/* What follows are samples of this family; without any it leaves no trace. */
void	exposition_begin(struct exposition *, const struct family *);
/*
 * A sample: as many values as the family has labels, in their order; any
 * bytes.  NULL if it has none.
 */
void	exposition_u64(struct exposition *, const char *const *values,
	    uint64_t);
void	exposition_real(struct exposition *, const char *const *values, double);
/* All samples of one histogram of durations, in seconds. */
void	exposition_histogram(struct exposition *, const char *const *values,
	    const struct histogram_sum *);

#endif
