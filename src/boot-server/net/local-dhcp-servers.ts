import { readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { findProgram, tryProgram } from "../../support/index.js";
import type { ServedAddress } from "./interfaces.js";

/** A program of this machine that answers DHCP on an interface. */
export interface LocalDhcpServer {
  readonly pid: number;
  /** Its command name, as `ps` shows it. */
  readonly name: string;
}

/** A UDP socket on port 67, as `ss -Hlunp` (iproute2) prints it. */
interface DhcpSocket extends LocalDhcpServer {
  /** `0.0.0.0` or `*` for all addresses. */
  readonly address: string;
  /** The interface that the socket is bound to. */
  readonly device: string | undefined;
}

/**
 * Finds other programs of this machine that answer DHCP on an interface through raw sockets, such as
 * ISC dhcpd, Kea and busybox udhcpd. This machine does not hear what they send, so asking the network
 * does not find them. All of them also hold UDP port 67: bound to the interface or to its address, or
 * next to a packet socket of the same process on the interface.
 * @returns none if `ss` is not installed or may not say which programs hold the port
 */
export async function findLocalDhcpServers(network: ServedAddress): Promise<LocalDhcpServer[]> {
  const path = await findProgram("ss");
  if (path === undefined) return [];
  const [udp, packets] = await Promise.all([
    tryProgram(path, ["-Hlunp", "sport", "=", ":67"]),
    tryProgram(path, ["-H0lnp"]),
  ]);
  const rawProcesses = parsePacketSockets(packets.stdout, network.interface);
  const servers = new Map<number, LocalDhcpServer>();
  for (const { pid, name, address, device } of parseDhcpSockets(udp.stdout)) {
    if (pid === process.pid) continue;
    const isHere =
      device === undefined
        ? address === network.address || rawProcesses.has(pid)
        : device === network.interface;
    if (isHere && !(await isThisProgram(pid))) servers.set(pid, { pid, name });
  }
  return [...servers.values()];
}

/** Parses lines like `UNCONN 0 0 0.0.0.0%eth0:67 0.0.0.0:* users:(("busybox",pid=12,fd=5))`. */
export function parseDhcpSockets(text: string): DhcpSocket[] {
  return text.split("\n").flatMap((line) => {
    const [, , , local = ""] = line.trim().split(/\s+/);
    const [, address = "", device] = /^(.*?)(?:%([^:]+))?:67$/.exec(local) ?? [];
    return programsIn(line).map((program) => ({ ...program, address, device }));
  });
}

/** Parses lines like `p_raw UNCONN 0 0 *:eth0 * users:(("dhcpd",pid=12,fd=5))`, and returns the processes. */
export function parsePacketSockets(text: string, device: string): ReadonlySet<number> {
  const lines = text.split("\n").filter((line) => {
    const place =
      line
        .trim()
        .split(/\s+/)
        .find((word) => /^\S+:\S+$/.test(word)) ?? "";
    return place.endsWith(`:${device}`) || place.endsWith(":*");
  });
  return new Set(lines.flatMap(programsIn).map(({ pid }) => pid));
}

function programsIn(line: string): LocalDhcpServer[] {
  return [...line.matchAll(/\("([^"]*)",pid=(\d+),/g)].map(([, name = "", pid = ""]) => {
    return { name, pid: Number(pid) };
  });
}

/** Another instance of this program: it answers through ordinary sockets, and can be heard. */
async function isThisProgram(pid: number): Promise<boolean> {
  const [own, other] = await Promise.all([
    readlink("/proc/self/exe").catch(() => ""),
    readlink(`/proc/${pid}/exe`).catch(() => undefined),
  ]);
  if (own !== other) return false;
  const words = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
  return words.split("\0").some((word) => basename(word).startsWith("kairos-netboot"));
}
