/*
 * The only place that asks the kernel what time it is.  Everybody else is told
 * `now' by a loop or a caller, so that policy can be simulated.  Dates are
 * computed here without libc's time zones and locale.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

struct date {
	unsigned year, month, day, weekday; /* month, day from 1; Sunday 0 */
	unsigned hour, minute, second, millisecond;
};

static struct date date_of(uint64_t);

static uint64_t
clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec;
}

uint64_t
clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t
clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

size_t
clock_rfc3339(char to[32], uint64_t wall_ns)
{
	struct date d = date_of(wall_ns);

	return (size_t)snprintf(to, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    d.year, d.month, d.day, d.hour, d.minute, d.second, d.millisecond);
}

size_t
clock_http_date(char to[32], uint64_t wall_ns)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct date d = date_of(wall_ns);

	return (size_t)snprintf(to, 32, "%s, %02u %s %04u %02u:%02u:%02u GMT",
	    days[d.weekday], d.day, months[d.month - 1], d.year, d.hour,
	    d.minute, d.second);
}

/*
 * Days since 1970 to a civil date.  Years are counted from 1 March of the year
 * 0, so that a leap day is the last day of its year; an era is the 400 years
 * after which the calendar repeats.
 */
static struct date
date_of(uint64_t wall_ns)
{
	uint64_t second = wall_ns / CLOCK_S, days = second / 86400;
	unsigned era, day, year, month;
	struct date d;

	d.millisecond = (unsigned)(wall_ns / CLOCK_MS % 1000);
	d.second = (unsigned)(second % 60);
	d.minute = (unsigned)(second / 60 % 60);
	d.hour = (unsigned)(second / 3600 % 24);
	d.weekday = (unsigned)((days + 4) % 7);

	days += 719468; /* from 1 March of the year 0 to 1970 */
	era = (unsigned)(days / 146097);
	day = (unsigned)(days % 146097);
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	d.day = day - (153 * month + 2) / 5 + 1;
	d.month = month < 10 ? month + 3 : month - 9;
	d.year = era * 400 + year + (d.month <= 2);
	return d;
}
