/**
 * A shell function: `until_says FILE TEXT` waits until a file contains a text, and
 * `until_says FILE TEXT PROCESS` fails if the process ends first.
 */
export const untilSays = `until_says() {
  tail -n +1 -F \${3:+--pid=$3} "$1" 2> /dev/null | grep -q -e "$2"
}`;
