#ifndef TESTS_BENCH_LIB_SPENT_H
#define TESTS_BENCH_LIB_SPENT_H

/*
 * Processor time of processes, by the scheduler's own accounts.
 */
struct spent {
	double	 run_s;		/* exact, all threads */
	double	 user_s, system_s;	/* by ticks: for long windows only */
};

/* Of all these together, "1234,1235"; who has ended counts for nothing. */
struct spent	 spent_by(const char *pids);
/* By anybody on the first two cores, by ticks. */
double		 spent_on_our_cores_s(void);

#endif
