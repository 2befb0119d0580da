#ifndef PROXY_LOG_H
#define PROXY_LOG_H

#include <stdint.h>

struct exchange;

/* One line for an exchange that ends, where its route wants one. */
void	log_exchange(const struct exchange *, uint64_t duration_ns);

#endif
