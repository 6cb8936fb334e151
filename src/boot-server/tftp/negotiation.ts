/** What client and server agreed on. */
export interface NegotiatedOptions {
  /** Bytes in a block (RFC 2348). */
  readonly blockSize: number;
  /** Milliseconds before a window is sent again (RFC 2349). */
  readonly timeout: number;
  /** Blocks that are sent before an acknowledgement is waited for (RFC 7440). */
  readonly windowSize: number;
  /** What is said to the client of it; empty where nothing needs to be. */
  readonly acknowledged: ReadonlyMap<string, string>;
}

/** A block has to fit one Ethernet frame: IP 20, UDP 8 and TFTP 4 bytes are in it, too. */
const largestBlock = 1468;
const largestWindow = 64;
/** Seconds: RFC 2349 has a longer one refused, not shortened. It is how long nobody may be waited for. */
const longestTimeout = 10;
/** Milliseconds, if nothing else is agreed on. */
export const defaultTimeoutMs = 1000;

/**
 * The options of a read request as they are granted; those that are unknown or senseless are left
 * out, as RFC 2347 has it.
 * @param size bytes of the file
 */
export function negotiate(requested: ReadonlyMap<string, string>, size: number): NegotiatedOptions {
  const acknowledged = new Map<string, string>();
  const grant = (name: string, smallest: number, largest: number, most: number) => {
    const value = Number(requested.get(name));
    if (!Number.isInteger(value) || value < smallest || value > largest) return undefined;
    const granted = Math.min(value, most);
    acknowledged.set(name, String(granted));
    return granted;
  };
  const blockSize = grant("blksize", 8, 65464, largestBlock) ?? 512;
  const seconds = grant("timeout", 1, longestTimeout, longestTimeout);
  const timeout = seconds === undefined ? defaultTimeoutMs : seconds * 1000;
  const windowSize = grant("windowsize", 1, 65535, largestWindow) ?? 1;
  if (requested.has("tsize")) acknowledged.set("tsize", String(size));
  return { blockSize, timeout, windowSize, acknowledged };
}
