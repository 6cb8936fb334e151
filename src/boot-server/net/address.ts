import { PacketError } from "./packet-error.js";

/** Formats the first four bytes as an IPv4 address in dotted-decimal notation. */
export function formatIpv4(bytes: Uint8Array): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
}

/** Converts an IPv4 address in dotted-decimal notation to four bytes. */
export function ipv4Bytes(address: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(ipv4Number(address));
  return bytes;
}

/**
 * Converts an IPv4 address in dotted-decimal notation to an unsigned 32-bit number. It reads digit
 * by digit because this function is hot when many machines boot at the same time.
 */
export function ipv4Number(address: string): number {
  let number = 0;
  let part = 0;
  for (let index = 0; index < address.length; index += 1) {
    const digit = address.charCodeAt(index) - 48;
    if (digit >= 0) {
      part = part * 10 + digit;
    } else {
      number = number * 256 + part;
      part = 0;
    }
  }
  return number * 256 + part;
}

/** Formats an unsigned 32-bit number as an IPv4 address in dotted-decimal notation. */
export function ipv4FromNumber(number: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return formatIpv4(bytes);
}

/** Formats a hardware address in lower case with colons: `52:54:00:aa:bb:01`. */
export function formatMac(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return hex.replace(/..(?=.)/g, "$&:");
}

/**
 * Formats the 16 bytes of a UUID as PXE sends them: the first three fields are little-endian (UEFI
 * specification, Appendix A; SMBIOS specification, section 7.2.1).
 * @throws PacketError
 */
export function formatUuid(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new PacketError("a UUID has 16 bytes");
  const hex = (start: number, end: number, isReversed: boolean) => {
    const part = Buffer.from(bytes.subarray(start, end));
    return (isReversed ? part.reverse() : part).toString("hex");
  };
  return [
    hex(0, 4, true),
    hex(4, 6, true),
    hex(6, 8, true),
    hex(8, 10, false),
    hex(10, 16, false),
  ].join("-");
}
