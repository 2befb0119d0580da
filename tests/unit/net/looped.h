#ifndef TESTS_NET_LOOPED_H
#define TESTS_NET_LOOPED_H

/* For suites about what a loop does: one for each test. */
extern struct loop	*loop;
/* What happened, one letter each. */
extern char		 heard[256];

/* For .init and .fini. */
void	 loop_up(void);
void	 loop_down(void);
void	 hear(char);

#endif
