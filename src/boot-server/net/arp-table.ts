import { readFileSync } from "node:fs";
import { systemCode } from "../../support/index.js";

/** What the kernel knows of a neighbour. */
export interface ArpEntry {
  readonly address: string;
  readonly mac: string;
  readonly interface: string;
  /** False while it is asked for, and when it did not answer. */
  readonly isComplete: boolean;
}

/** ATF_COM of linux/if_arp.h. */
const complete = 0x2;

/** Reads /proc/net/arp (proc(5)). */
export function parseArpTable(text: string): ArpEntry[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [address, , flags, mac, , name] = line.trim().split(/\s+/);
      if (address === undefined || mac === undefined || name === undefined) return [];
      const isComplete = (Number(flags) & complete) !== 0 && mac !== "00:00:00:00:00:00";
      return [{ address, mac, interface: name, isComplete }];
    });
}

/**
 * The kernel's table; empty on systems that have it elsewhere.
 * @throws the error of reading it, such as EMFILE
 */
export function readArpTable(): ArpEntry[] {
  try {
    // Made by the kernel as it is read: there is no disk to wait for.
    return parseArpTable(readFileSync("/proc/net/arp", "latin1"));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
