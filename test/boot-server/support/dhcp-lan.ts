import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { checkout } from "../../support/checkout.js";
import { untilSays } from "../../support/until-says.js";

const run = promisify(execFile);

/** The script that udhcpc calls with its lease: it logs the lease and configures the interface. */
const action = `#!/bin/sh
echo "$1 \${ip:-none} mask=$subnet router=$router dns=$dns time=$lease server=$serverid" >> "$HEARD"
case $1 in
  bound | renew) ip address flush dev eth0; ip address add "$ip/24" dev eth0 ;;
  deconfig) ip address flush dev eth0 ;;
esac
`;

/** The server, without the seconds that \`serve\` listens for other DHCP servers. */
const serveInLan = join(checkout, ".build/test/boot-server/support/serve-in-lan.js");

/**
 * Shell functions for a private network: a switch, this machine at 10.5.0.1, and the machines
 * `a`, `b`, and `c`, each in a network namespace.
 * - `at a COMMAND` runs a command there
 * - `ask a` makes busybox's udhcpc get an address, and prints the lease
 * - `renew a` makes a running udhcpc (a.pid, a.heard) renew its lease
 * - `serve OPTIONS` starts the server and returns when it listens
 * - `until_says FILE TEXT` waits until a file contains a text
 */
const setUp = (scratch: string, served: string) => `set -u; cd "${scratch}"
  until_says='${untilSays}'; eval "$until_says"
  ip link set lo up
  ip link add br0 type bridge; ip link set br0 up; ip address add 10.5.0.1/24 dev br0
  for name in a b c; do
    unshare --net sleep 300 & pid=$!; eval "pid_$name=$pid"
    until [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
    ip link add "to_$name" type veth peer name eth0 address "02:00:00:00:00:0$name" netns "$pid"
    ip link set "to_$name" master br0 up
    nsenter --net=/proc/$pid/ns/net ip link set eth0 up
  done
  at() { eval "pid=\\$pid_$1"; shift; nsenter --net=/proc/$pid/ns/net "$@"; }
  ask() { who=$1; shift; HEARD=$who.heard; export HEARD; : > $HEARD
    at $who busybox udhcpc -i eth0 -f -n -q -t 4 -T 3 -s ./action "$@" > $who.log 2>&1
    grep -v deconfig $who.heard || echo "$who got nothing"; }
  renew() { kill -USR1 $(cat $1.pid)
    # udhcpc misses a reply that arrives before it listens again: renew once more after a second.
    timeout 1 sh -c "$until_says; until_says $1.heard renew" || renew $1; }
  serve() { : > log
    ${process.execPath} ${serveInLan} ${served} --state-dir state "$@" 2>> log &
    server=$!
    until_says log Serving $server; }
  stop() { kill -TERM $server; wait $server; }`;

/** The command of a DHCP server that offers addresses without pinging them for 3 s first. */
export const dnsmasq =
  "dnsmasq --no-ping --keep-in-foreground --conf-file=/dev/null --port=0 --log-facility=- --leasefile-ro --user= --group= --pid-file=";

/** No process outlives its test, even if it waits for something that never happens. */
export const processLimits = { timeout: 100_000, killSignal: "SIGKILL" } as const;

/** Runs a shell script in such a network and returns the lines that it prints. */
export async function linesInDhcpLan(served: string, script: string): Promise<string[]> {
  const scratch = await temporaryDirectory();
  await writeFile(join(scratch, "action"), action);
  await chmod(join(scratch, "action"), 0o755);
  // All processes end with the script, because it has its own process namespace.
  const words = ["--map-root-user", "--net", "--pid", "--mount-proc", "--fork", "--kill-child"];
  const commands = `${setUp(scratch, served)}\n${script}`;
  const { stdout } = await run("unshare", [...words, "sh", "-c", commands], processLimits);
  return stdout.trim().split("\n");
}
