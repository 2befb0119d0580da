#!/bin/sh
# tests/pure.sh object...: look into the objects of the files in
# tests/pure.txt.  Purity is a fact of the linker: they may call each other and
# the names listed there, and have no data that can be written.
set -eu
cd "$(dirname "$0")/.."

{
	awk '$1 == "may" { for (i = 2; i <= NF; i++) print "may", $i }' \
	    tests/pure.txt
	nm -A --defined-only --extern-only "$@" | awk '{ print "may", $NF }'
	nm -A --undefined-only "$@" | awk '{ print "calls", $1, $NF }'
	objdump -t "$@" | awk '/file format/ { object = $1 }
	    NF > 3 && $NF !~ /^\./ && $(NF - 2) ~ /^\.t?(data|bss)/ &&
	    $(NF - 2) !~ /^\.data\.rel\.ro/ { print "data", object, $NF }'
} | awk '
$1 == "may" && /\*/ {
	gsub(/\*/, ".*", $2)
	patterns = patterns "|" $2
	next
}
$1 == "may" { may[$2] = 1; next }
$1 == "data" {
	printf "%s has data that can be written: %s\n", $2, $3
	bad = 1
	next
}
!($3 in may) && $3 !~ ("^(" substr(patterns, 2) ")$") {
	printf "%s may not call %s\n", $2, $3
	bad = 1
}
END { exit bad }'
echo "pure: $# objects keep to tests/pure.txt"
