# tests/soak/lib.sh: what the scripts here share; sourced with set -eu.  What a
# script starts ends with it, and its files are in a directory that goes away.
: "${FAIRLEAD_BIN:?}" "${FAIRLEAD_TESTS:?}"
PATH=$PATH:/usr/sbin
work=$(mktemp -d)
pids=
bye() {
	for p in $pids; do kill "$p" 2> /dev/null || :; done
	for p in $pids; do wait "$p" 2> /dev/null || :; done
	rm -rf "$work"
}
trap bye EXIT
trap 'exit 1' HUP INT TERM

# With the last words of all that was started.
fail() {
	tail -n 5 "$work"/*.log >&2 || :
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# need_files N: or fail, if not so many may be open.
need_files() {
	ulimit -n "$(ulimit -Hn)"
	[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge "$1" ] ||
	    fail "ulimit -Hn is $(ulimit -n); $1 open files are needed"
}

# need_tools NAME...: or end as skipped.
need_tools() {
	for t in "$@"; do
		command -v "$t" > /dev/null && continue
		echo "$(basename "$0"): skipped: $t is missing (tools/deps soak)"
		exit 0
	done
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	_end=$(($(date +%s) + $1))
	shift
	until "$@" 2> /dev/null; do
		[ "$(date +%s)" -le $_end ] || fail "in vain: $*"
		sleep 0.1
	done
}

# start NAME COMMAND...: its output goes to $work/NAME.log; sets pid.
start() {
	_name=$1
	shift
	"$@" > "$work/$_name.log" 2>&1 < /dev/null &
	pid=$!
	pids="$pids $pid"
}

# end PID
end() {
	kill "$1"
	wait "$1" 2> /dev/null || :
}

# A port that is free now.
free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# answers URL
answers() {
	curl -fsk -m 2 -o /dev/null "$1"
}

# start_origin [OPTION...]: sets origin to its port.  It runs by the command
# $by, if that is set; so does start_held.
start_origin() {
	origin=$(free_port)
	start origin ${by-} "$FAIRLEAD_TESTS/origin" "$origin" origin "$@"
	wait_for 10 answers "http://127.0.0.1:$origin/"
}

# start_held NAME PORT N WAY [--tls]: as tests/lib/bin/hold.c says; all are
# there when it returns.  Sets pid; after `end' $work/NAME.log tells how it went.
start_held() {
	_log=$work/$1.log
	start "$1" ${by-} "$FAIRLEAD_TESTS/hold" "$2" "$3" "$4" ${5+"$5"}
	wait_for 300 is_over_or_ready "$pid" "$_log"
	grep -q ready "$_log" || fail "$1 is not ready"
}
is_over_or_ready() {
	grep -q ready "$2" || ! kill -0 "$1"
}

# Makes cert.pem, key.pem, and both.pem of the two, in $work.
make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 2 -subj /CN=t -keyout "$work/key.pem" \
	    -out "$work/cert.pem" 2> /dev/null
	cat "$work/cert.pem" "$work/key.pem" > "$work/both.pem"
}

# resident PID: bytes, of the process and its children.
resident() {
	for p in "$1" $(cat "/proc/$1/task/$1/children"); do
		awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$p/status"
	done | awk '{ n += $1 } END { print n }'
}
