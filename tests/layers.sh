#!/bin/sh
# tests/layers.sh folder...: hold every #include against tests/layers.txt.
set -eu
cd "$(dirname "$0")/.."

files=$(for folder; do
	find "$folder" -maxdepth 1 -name '*.[ch]'
done | sort)

bad=0
# The patterns of the table are the shell's: let it say which rules match.
for file in $files; do
	rules='' only=''
	while read -r pattern words; do
		case $pattern in
		'' | '#'*)	continue ;;
		libc)		pattern='*' ;;
		*/)		pattern="$pattern*" ;;
		esac
		# shellcheck disable=SC2254
		case $file in
		$pattern)	;;
		*)		continue ;;
		esac
		case $words in
		only\ *)	only=${words#only } ;;
		*)		rules="$rules $words" ;;
		esac
	done < tests/layers.txt
	[ -z "$only" ] || rules=$only
	[ -n "$only" ] || rules="$rules ${file%/*}/"
	awk -v rules="$rules" '
	BEGIN {
		count = split(rules, allowed, " ")
		for (i in allowed)
			gsub(/[<>]/, "", allowed[i])
	}
	function may(name,	i) {
		for (i = 1; i <= count; i++)
			if (name == allowed[i] || (allowed[i] ~ /\/$/ &&
			    index(name, allowed[i]) == 1))
				return 1
		return 0
	}
	/^[ \t]*#[ \t]*include[ \t]*["<]/ {
		name = $0
		sub(/^[^"<]*["<]/, "", name)
		sub(/[">].*/, "", name)
		if (!may(name)) {
			printf "%s:%d: may not include %s\n", FILENAME, FNR, name
			bad = 1
		}
	}
	END { exit bad }' "$file" || bad=1
done
[ "$bad" = 0 ]
echo "layers: $(echo "$files" | wc -l) files keep to tests/layers.txt"
