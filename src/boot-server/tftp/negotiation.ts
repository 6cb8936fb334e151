/** The options that client and server agreed on. */
export interface NegotiatedOptions {
  /** Bytes per block (RFC 2348). */
  readonly blockSize: number;
  /** Time before a window is sent again (RFC 2349). */
  readonly timeoutMs: number;
  /** Blocks to send before waiting for an acknowledgement (RFC 7440). */
  readonly windowSize: number;
  /** The contents of the option acknowledgement; empty if none is needed. */
  readonly acknowledged: ReadonlyMap<string, string>;
}

/** The headers before a block: 20 bytes of IP, 8 of UDP, and 4 of TFTP. */
const headerBytes = 32;
const ethernetMtuBytes = 1500;
const maxWindowSize = 64;
/**
 * The server refuses a longer timeout instead of shortening it (RFC 2349). The limit also bounds how
 * long a client that has disappeared occupies a transfer.
 */
const maxTimeoutSeconds = 10;
export const defaultTimeoutMs = 1000;

/**
 * Grants the options of a read request. Ignores unknown and invalid options, as RFC 2347 requires.
 * @param size the bytes of the file
 * @param mtuBytes of the network: a block must fit into one packet, because boot ROMs drop fragments
 */
export function negotiate(
  requested: ReadonlyMap<string, string>,
  size: number,
  mtuBytes = ethernetMtuBytes,
): NegotiatedOptions {
  const maxBlockSize = Math.min(mtuBytes, ethernetMtuBytes) - headerBytes;
  const acknowledged = new Map<string, string>();
  const grant = (name: string, min: number, max: number, limit: number) => {
    const value = Number(requested.get(name));
    if (!Number.isInteger(value) || value < min || value > max) return undefined;
    const granted = Math.min(value, limit);
    acknowledged.set(name, String(granted));
    return granted;
  };
  const blockSize = grant("blksize", 8, 65464, maxBlockSize) ?? 512;
  const seconds = grant("timeout", 1, maxTimeoutSeconds, maxTimeoutSeconds);
  const timeoutMs = seconds === undefined ? defaultTimeoutMs : seconds * 1000;
  const windowSize = grant("windowsize", 1, 65535, maxWindowSize) ?? 1;
  if (requested.has("tsize")) acknowledged.set("tsize", String(size));
  return { blockSize, timeoutMs, windowSize, acknowledged };
}
