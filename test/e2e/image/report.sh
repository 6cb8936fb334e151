#!/bin/sh
# Prints facts about the booted system to the console, one per line, then powers off.
report() {
	echo "KAIROS-NETBOOT-E2E BEGIN"
	echo "cmdline=$(cat /proc/cmdline)"
	echo "root=$(findmnt --noheadings --output SOURCE,FSTYPE /)"
	echo "squashfs=$(findmnt --noheadings --list --types squashfs --output TARGET,SOURCE)"
	echo "backing file=$(cat /sys/block/loop0/loop/backing_file)"
	echo "kernel=$(uname -r)"
	echo "modules=$(ls /lib/modules)"
	echo "capability=$(getcap /usr/bin/ping)"
	config_url=$(sed 's/.*config_url=\([^ ]*\).*/\1/' /proc/cmdline)
	echo "config_url=$(curl --silent --show-error --fail --max-time 300 "$config_url" |
		tr '\n' '|')"
	cd /opt/e2e || exit
	echo "replaced=$(cat replaced)"
	[ -e deleted ] || echo "deleted=absent"
	echo "deleted-then-restored=$(cat deleted-then-restored)"
	echo "becomes-directory=$(cat becomes-directory/inside)"
	echo "becomes-file=$(cat becomes-file)"
	echo "opaque=$(ls opaque) $(cat opaque/*)"
	echo "links=$(cd links && echo *) $(cd links && stat -c %h 2 3 | xargs) $(cat links/3)"
	echo "link inodes=$(cd links && stat -c %i ./* | uniq | wc -l)"
	echo "owned=$(stat -c '%u:%g %a %Y' owned) $(cat owned)"
	echo "latin name=$(cat "$(printf 'caf\351')")"
	echo "long name=$(cat long/*/*/*)"
	echo "whiteout files=$(find / -xdev -name '.wh.*' | wc -l)"
	echo "KAIROS-NETBOOT-E2E END"
}

text=$(report 2>&1)
# Written in one piece and with the kernel silenced, so that no other line interrupts it.
dmesg --console-level 1
printf '\n%s\n' "$text"
systemctl poweroff --force --force
