#!/bin/sh
# tests/flow/table.sh: hold TABLE.md to the truth.  Each end of http/ends.def
# has a row whose flow begins with its word, each flow in the table exists, and
# each flow that exists (but for the tools' own) is in the table.
set -eu
cd "$(dirname "$0")/../.."
table=tests/flow/TABLE.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat tests/flow/*.c | tr '\n' ' ' | grep -oE 'Test\([a-z0-9_]+, *[a-z0-9_]+' |
    sed 's/Test(//; s|, *|/|' | grep -vE '^(harness|table)/' |
    sort > "$work/there"
grep -oE '`[a-z0-9_]+/[a-z0-9_]+`' "$table" | tr -d '`' |
    sort -u > "$work/named"
sed -n 's/^END([A-Z0-9_]*, *\([a-z_]*\),.*/\1/p' http/ends.def > "$work/ends"

bad=0
complain()
{
	sed "s|^|$1: |"
	bad=1
}
comm -13 "$work/there" "$work/named" > "$work/missing"
[ ! -s "$work/missing" ] ||
	complain "$table names a flow that is not there" < "$work/missing"
comm -23 "$work/there" "$work/named" > "$work/unnamed"
[ ! -s "$work/unnamed" ] ||
	complain "$table does not name the flow" < "$work/unnamed"
[ -s "$work/ends" ] || { echo "no ends in http/ends.def"; bad=1; }
while read -r end; do
	grep -qE "^\| $end \| \`[a-z0-9_]+/${end}__" "$table" ||
		{ echo "$table has no flow for the end $end"; bad=1; }
done < "$work/ends"
exit "$bad"
