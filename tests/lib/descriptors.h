#ifndef TESTS_LIB_DESCRIPTORS_H
#define TESTS_LIB_DESCRIPTORS_H

/* Until told otherwise this process gets no descriptor that is `end' or more. */
void	 descriptors_end_at(int end);
void	 descriptors_again(void);
/* The one that the next to be opened is. */
int	 descriptors_next(void);

#endif
