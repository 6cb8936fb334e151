import { execFileSync, spawnSync } from "node:child_process";

/** All of this network is reachable on the loopback: each simulated machine has its own address. */
const network = "10.9.0.1/16";
export const ours = "10.9.0.1";
export const theirs = "10.9.0.2";
export const relay = "10.9.0.3";

/** The address of one of many clients, from 0. */
export function clientAddress(index: number): string {
  return `10.9.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/**
 * Runs the program that calls it again, in a network of its own, and ends with its status; returns
 * where that is done. As root: nginx and dnsmasq do not start in a user namespace.
 */
export function enterOwnNetwork(): void {
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
