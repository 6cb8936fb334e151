import { readdir, readFile, readlink } from "node:fs/promises";
import { endianness } from "node:os";
import { ipv4Bytes } from "./address.js";

/** A program that has bound a port. */
export interface PortOwner {
  readonly pid: number;
  /** Its command name, as `ps` shows it. */
  readonly name: string;
}

/**
 * Finds the program that has bound a port, from /proc/net/tcp and /proc/PID/fd (proc(5)).
 * @param address IPv4; a program that has bound the port for all addresses matches, too
 * @returns undefined if the port is free, or if this user may not see the owner
 */
export async function findPortOwner(
  protocol: "tcp" | "udp",
  address: string,
  port: number,
): Promise<PortOwner | undefined> {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map((name) =>
      readFile(`/proc/net/${name}`, "latin1").catch(() => ""),
    ),
  );
  const inodes = tables.flatMap((table) => findSocketInodes(table, address, port));
  return inodes.length === 0
    ? undefined
    : findSocketOwner(inodes.map((inode) => `socket:[${inode}]`));
}

const listening = "0A";
const unconnected = "07";
const anyAddress = /^0+$/;

/**
 * Finds the inodes of the listening or unconnected sockets on an address and port.
 * @param table /proc/net/tcp, tcp6, udp or udp6
 */
export function findSocketInodes(table: string, address: string, port: number): string[] {
  const wantedAddress = address === "0.0.0.0" ? undefined : hexAddress(address);
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state = "", , , , , , inode = "0"] = line.trim().split(/\s+/);
      const [own = "", ownPort = ""] = local.split(":");
      const isOwner = state === listening || state === unconnected;
      const isThere = wantedAddress === undefined || own === wantedAddress || anyAddress.test(own);
      return isOwner && isThere && Number.parseInt(ownPort, 16) === port ? [inode] : [];
    });
}

/** /proc/net prints the four bytes as one number in the byte order of this machine. */
function hexAddress(address: string): string {
  const bytes = ipv4Bytes(address);
  if (endianness() === "LE") bytes.reverse();
  return bytes.toString("hex").toUpperCase();
}

async function findSocketOwner(sockets: readonly string[]): Promise<PortOwner | undefined> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const targets = descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""));
    if (!(await Promise.all(targets)).some((target) => sockets.includes(target))) continue;
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a program");
    return { pid: Number(pid), name: name.trim() };
  }
  return undefined;
}
