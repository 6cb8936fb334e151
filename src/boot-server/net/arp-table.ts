import { readFileSync } from "node:fs";
import { systemCode } from "../../support/index.js";

/** An entry of the kernel's ARP table. */
export interface ArpEntry {
  readonly address: string;
  readonly mac: string;
  readonly interface: string;
  /** False while the kernel waits for an answer, and after it got none. */
  readonly isComplete: boolean;
}

/** ATF_COM of linux/if_arp.h. */
const completeFlag = 0x2;

/** Parses /proc/net/arp (proc(5)). */
export function parseArpTable(text: string): ArpEntry[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [address, , flags, mac, , name] = line.trim().split(/\s+/);
      if (address === undefined || mac === undefined || name === undefined) return [];
      const isComplete = (Number(flags) & completeFlag) !== 0 && mac !== "00:00:00:00:00:00";
      return [{ address, mac, interface: name, isComplete }];
    });
}

/**
 * Reads the kernel's ARP table. The result is empty on systems without /proc/net/arp.
 * @throws the error of reading the file, such as EMFILE
 */
export function readArpTable(): ArpEntry[] {
  try {
    // Synchronous: the kernel generates this file in memory, so there is no disk to wait for.
    return parseArpTable(readFileSync("/proc/net/arp", "latin1"));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
