/*
 * Who holds a listening address?  Asked only when a bind was refused, so that
 * the error can name the process instead of leaving the operator to search.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listen.h"

static int unix_holder(const struct addr *);
static uint64_t listening_inode(const char *table, uint16_t port);
static int process_with_socket(uint64_t inode);
static bool process_has(const char *pid, const char *socket);

int
listen_holder(const struct addr *at)
{
	uint64_t inode;

	if (addr_is_unix(at))
		return unix_holder(at);
	inode = listening_inode("/proc/net/tcp", addr_port(at));
	if (inode == 0)
		inode = listening_inode("/proc/net/tcp6", addr_port(at));
	return inode == 0 ? 0 : process_with_socket(inode);
}

static int
unix_holder(const struct addr *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);

	if (fd == -1)
		return 0;
	if (connect(fd, &at->u.sa, at->len) == 0)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
	close(fd);
	return peer.pid;
}

/* proc(5): local_address is hex "ADDR:PORT", state 0A is listening. */
static uint64_t
listening_inode(const char *table, uint16_t port)
{
	FILE *f = fopen(table, "re");
	char line[512];
	uint64_t found = 0;

	if (f == NULL)
		return 0;
	while (found == 0 && fgets(line, sizeof(line), f) != NULL) {
		unsigned local, state;
		uint64_t inode;

		if (sscanf(line,
			"%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s"
			" %*s %*u %*d %" SCNu64,
			&local, &state, &inode) == 3 &&
		    local == port && state == 0x0a)
			found = inode;
	}
	fclose(f);
	return found;
}

static int
process_with_socket(uint64_t inode)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char socket[64];
	int pid = 0;

	if (proc == NULL)
		return 0;
	snprintf(socket, sizeof(socket), "socket:[%" PRIu64 "]", inode);
	while (pid == 0 && (entry = readdir(proc)) != NULL) {
		if (process_has(entry->d_name, socket))
			pid = (int)strtol(entry->d_name, NULL, 10);
	}
	closedir(proc);
	return pid;
}

static bool
process_has(const char *pid, const char *socket)
{
	char path[300], target[128];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	if (fds == NULL)
		return false;
	while (!found && (entry = readdir(fds)) != NULL) {
		ssize_t n = readlinkat(
		    dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, socket) == 0;
	}
	closedir(fds);
	return found;
}
