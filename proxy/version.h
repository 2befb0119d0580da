#ifndef PROXY_VERSION_H
#define PROXY_VERSION_H

#define VERSION	"0.1.0"
#ifndef REVISION
#define REVISION "unknown"	/* the Makefile gives the commit's */
#endif
#ifndef BUILD_FLAGS
#define BUILD_FLAGS "unknown flags"
#endif

#endif
