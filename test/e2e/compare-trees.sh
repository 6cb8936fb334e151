#!/bin/bash
# compare-trees.sh A B: prints the differences between two trees on disk, and fails if there are any.
# Compared are names, types, modes, owners, devices, times, contents, link targets, hard links and
# extended attributes. Needs root, as trees of images do.
set -euo pipefail
export LC_ALL=C

lists=$(mktemp -d)
trap 'rm -r "$lists"' EXIT

list() ( # TREE
	cd "$1"
	find . -type d -exec stat --printf '%n\t%f %u:%g %Y\n' {} +
	find . ! -type d -exec stat --printf '%n\t%f %u:%g %Y %t:%T %h %s\n' {} +
	find . -type l -printf '%p\t-> %l\n'
	find . -type f -exec sha256sum --zero {} + | tr '\0' '\n'
	find . ! -type d -links +1 -printf '%i %p\n' | sort |
		awk '{ inode = $1; sub(/^[0-9]+ /, ""); names[inode] = names[inode] " " $0 }
			END { for (inode in names) print "one file:" names[inode] }'
	getfattr --recursive --physical --no-dereference --dump --match '^(user|security)\.' --encoding hex . |
		awk '/^# file: / { name = substr($0, 9); next } NF { print name "\t" $0 }'
)

list "$1" | sort > "$lists/a"
list "$2" | sort > "$lists/b"
diff --unified=0 --label "$1" "$lists/a" --label "$2" "$lists/b"
