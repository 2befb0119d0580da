#!/bin/sh
# tests/style.sh folder...: what STYLE asks for and a compiler does not see.
# Comments and strings are left out, but for the words that promise work.
set -eu
cd "$(dirname "$0")/.."

files=$(for folder in "$@" tests; do
	find "$folder" -name '*.[ch]'
done | sort)

# shellcheck disable=SC2086
awk '
function complain(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}
function end_of_file() {
	if (last > 600 && name !~ /^conf\/schema/) {
		printf "%s: %d lines; two nouns live here\n", name, last
		bad = 1
	}
}
# The line without its comments, strings and character constants.
function code(line,	at) {
	gsub(/\\./, "", line)
	gsub(/"[^"]*"/, "\"\"", line)
	gsub(/\047[^\047]*\047/, "0", line)
	if (comment) {
		at = index(line, "*/")
		if (at == 0)
			return ""
		line = substr(line, at + 2)
		comment = 0
	}
	gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
	sub(/\/\/.*/, "", line)
	at = index(line, "/*")
	if (at > 0) {
		line = substr(line, 1, at - 1)
		comment = 1
	}
	return line
}
FNR == 1 {
	end_of_file()
	name = FILENAME
	comment = start = 0
}
{
	last = FNR
	if ($0 ~ /(^|[^A-Za-z_])(TODO|FIXME|XXX)([^A-Za-z_]|$)/)
		complain("a promise; do it or drop it")
	line = code($0)
	banned = "sprintf|vsprintf|strcpy|strcat|strtok|atoi|gets|rand|alloca"
	if (name !~ /^base\/clock/)
		banned = banned "|time"
	if (line ~ ("(^|[^A-Za-z0-9_])(" banned ")[ ]*\\("))
		complain("banned function")
	if (name !~ /^tests/ && line ~ /^[ \t]*typedef/)
		complain("typedef")
}
/^\{/ { start = FNR }
/^\}/ {
	if (start > 0 && FNR - start + 1 > 60)
		complain("a function of " FNR - start + 1 " lines")
	start = 0
}
END {
	end_of_file()
	exit bad
}' $files
echo "style: $(echo "$files" | wc -l) files are in order"
