import { execFileSync, spawnSync } from "node:child_process";

/** The whole network is reachable on the loopback interface: each client has an address of its own. */
const network = "10.9.0.1/16";
export const ownAddress = "10.9.0.1";
export const otherAddress = "10.9.0.2";
export const relayAddress = "10.9.0.3";

/** The address of a client, numbered from 0. */
export function clientAddress(index: number): string {
  return `10.9.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/**
 * Runs the calling program again in a network namespace of its own and exits with its status. Returns
 * only inside that namespace. Uses root privileges: nginx and dnsmasq do not start in a user namespace.
 */
export function enterNetworkNamespace(): void {
  if (process.env.BENCH_NETWORK === "own") {
    execFileSync("ip", ["link", "set", "lo", "up"]);
    execFileSync("ip", ["address", "add", network, "dev", "lo"]);
    return;
  }
  const command = ["unshare", "--net", "--fork", "--kill-child"];
  command.push("env", "BENCH_NETWORK=own", ...process.execArgv, process.execPath);
  if (process.getuid?.() !== 0) command.unshift("sudo");
  const [program, ...args] = [...command, ...process.argv.slice(1)];
  process.exit(spawnSync(program!, args, { stdio: "inherit" }).status ?? 1);
}
