import { PacketError } from "./packet-error.js";

/** An IPv4 address in dotted decimals, from four bytes. */
export function formatIpv4(bytes: Uint8Array): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
}

/** Four bytes of an IPv4 address in dotted decimals. */
export function ipv4Bytes(address: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(ipv4Number(address));
  return bytes;
}

/**
 * The 32 bits of an IPv4 address in dotted decimals, as a number from 0. Digit by digit: a storm of
 * machines is many addresses.
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

/** An IPv4 address in dotted decimals, from its 32 bits. */
export function ipv4FromNumber(number: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return formatIpv4(bytes);
}

/** An Ethernet address in lower case with colons, from its bytes. */
export function formatMac(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return hex.replace(/..(?=.)/g, "$&:");
}

/**
 * A UUID from the 16 bytes that PXE sends: the first three fields are little-endian there
 * (UEFI specification, Appendix A; SMBIOS specification, 7.2.1).
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
