#ifndef CONF_UNITS_H
#define CONF_UNITS_H

#include <stdint.h>

#include "base/text.h"

/* What can be wrong with a number and its unit. */
enum unit_fault {
	UNIT_GOOD,
	UNIT_NOT,		/* not of this form at all */
	UNIT_BARE,		/* a number without its unit */
	UNIT_FRACTION,		/* 1.5s */
	UNIT_ORDER,		/* 30s1m, 1m1m */
	UNIT_HUGE		/* more than 64 bits hold */
};

/* PURE, all of them.  The value is set only when the answer is UNIT_GOOD. */
enum unit_fault	units_duration(struct text, uint64_t *ns);	/* 250ms 5s 1m30s 2h 7d */
enum unit_fault	units_size(struct text, uint64_t *bytes);	/* 512B 64KiB 10MB */
enum unit_fault	units_percent(struct text, unsigned *);		/* 0%..100% */
enum unit_fault	units_count(struct text, uint64_t *);		/* 0 7 10000 */
/* "204", "200-399", "2xx"; both ends 100..599. */
enum unit_fault	units_status(struct text, uint16_t *from, uint16_t *to);

/* The shortest way to write it: "1m30s", "64KiB"; `to' holds 32 bytes. */
void		units_print_duration(char to[32], uint64_t ns);
void		units_print_size(char to[32], uint64_t bytes);

#endif
