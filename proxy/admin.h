#ifndef PROXY_ADMIN_H
#define PROXY_ADMIN_H

#include <stdint.h>

struct control;
struct exchange;

/* Answer a request to the admin listener; runs on the control thread. */
void	admin_answer(struct exchange *);
/* Each second: what the rates of /stats are made from. */
void	admin_sample(struct control *, uint64_t now);

#endif
