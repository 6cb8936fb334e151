import { formatIpv4, ipv4Number } from "../address.js";
import { PacketError } from "../packet-error.js";
import { option } from "./options.js";

const headerSize = 236;
const magicCookie = 0x63825363;
/** BOOTP's smallest message (RFC 1542, section 2.1); some firmware drops what is shorter. */
const smallestMessage = 300;
const fieldsOfOverload = { file: 1, serverName: 2 };

/** A BOOTP or DHCP message (RFC 2131, section 2). */
export interface DhcpMessage {
  readonly op: "request" | "reply";
  /** Hardware type; 1 is Ethernet. */
  readonly hardwareType: number;
  readonly hops: number;
  readonly transactionId: number;
  readonly seconds: number;
  readonly flags: number;
  /** Addresses in dotted decimals, `0.0.0.0` for none. */
  readonly clientAddress: string;
  readonly yourAddress: string;
  readonly nextServer: string;
  readonly relayAddress: string;
  readonly hardwareAddress: Buffer;
  /** `sname` and `file`, without what follows the first NUL; empty where options stand there. */
  readonly serverName: string;
  readonly bootFile: string;
  readonly options: ReadonlyMap<number, Buffer>;
}

/**
 * Reads a message. Options that are split (RFC 3396) come as one, those in overloaded fields
 * (option 52) with the others.
 * @throws PacketError
 */
export function parseDhcp(bytes: Buffer): DhcpMessage {
  if (bytes.length < headerSize + 4) throw new PacketError("it is shorter than a DHCP message");
  if (bytes.readUInt32BE(headerSize) !== magicCookie) throw new PacketError("it is not DHCP");
  const op = bytes[0];
  if (op !== 1 && op !== 2) throw new PacketError(`its operation is ${op}`);
  const hardwareLength = bytes[2]!;
  if (hardwareLength > 16) throw new PacketError("its hardware address is too long");
  const serverName = bytes.subarray(44, 108);
  const bootFile = bytes.subarray(108, 236);
  const options = new Map<number, Buffer>();
  readOptions(bytes.subarray(headerSize + 4), options);
  const overload = options.get(option.overload)?.[0] ?? 0;
  if (overload & fieldsOfOverload.file) readOptions(bootFile, options);
  if (overload & fieldsOfOverload.serverName) readOptions(serverName, options);
  return {
    op: op === 1 ? "request" : "reply",
    hardwareType: bytes[1]!,
    hops: bytes[3]!,
    transactionId: bytes.readUInt32BE(4),
    seconds: bytes.readUInt16BE(8),
    flags: bytes.readUInt16BE(10),
    clientAddress: formatIpv4(bytes.subarray(12)),
    yourAddress: formatIpv4(bytes.subarray(16)),
    nextServer: formatIpv4(bytes.subarray(20)),
    relayAddress: formatIpv4(bytes.subarray(24)),
    hardwareAddress: Buffer.from(bytes.subarray(28, 28 + hardwareLength)),
    serverName: overload & fieldsOfOverload.serverName ? "" : untilNul(serverName),
    bootFile: overload & fieldsOfOverload.file ? "" : untilNul(bootFile),
    options,
  };
}

function readOptions(bytes: Buffer, options: Map<number, Buffer>): void {
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at]!;
    at += 1;
    if (code === 0) continue;
    if (code === 255) return;
    const length = bytes[at];
    if (length === undefined || at + 1 + length > bytes.length) {
      throw new PacketError(`its option ${code} is cut short`);
    }
    const value = bytes.subarray(at + 1, at + 1 + length);
    options.set(code, Buffer.concat([options.get(code) ?? Buffer.alloc(0), value]));
    at += 1 + length;
  }
}

function untilNul(bytes: Buffer): string {
  const nul = bytes.indexOf(0);
  return bytes.toString("latin1", 0, nul === -1 ? bytes.length : nul);
}

/**
 * Writes a message. A boot file that does not fit its field is left out there: give it in
 * option 67 as well.
 */
export function formatDhcp(message: DhcpMessage): Buffer {
  const header = Buffer.alloc(headerSize + 4);
  header[0] = message.op === "request" ? 1 : 2;
  header[1] = message.hardwareType;
  header[2] = message.hardwareAddress.length;
  header[3] = message.hops;
  header.writeUInt32BE(message.transactionId, 4);
  header.writeUInt16BE(message.seconds, 8);
  header.writeUInt16BE(message.flags, 10);
  const { clientAddress, yourAddress, nextServer, relayAddress } = message;
  for (const [index, address] of [clientAddress, yourAddress, nextServer, relayAddress].entries()) {
    header.writeUInt32BE(ipv4Number(address), 12 + 4 * index);
  }
  message.hardwareAddress.copy(header, 28, 0, 16);
  putText(header, 44, 64, message.serverName);
  putText(header, 108, 128, message.bootFile);
  header.writeUInt32BE(magicCookie, headerSize);
  const parts: Buffer[] = [header];
  for (const [code, value] of message.options) parts.push(...formatOption(code, value));
  parts.push(Buffer.from([255]));
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes], Math.max(bytes.length, smallestMessage));
}

/** Longer values are split (RFC 3396). */
function formatOption(code: number, value: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < value.length; at += 255) {
    const part = value.subarray(at, at + 255);
    parts.push(Buffer.from([code, part.length]), part);
  }
  return parts;
}

/** With room for the NUL at its end, or not at all. */
function putText(header: Buffer, start: number, length: number, text: string): void {
  if (text.length < length) header.write(text, start, "latin1");
}
