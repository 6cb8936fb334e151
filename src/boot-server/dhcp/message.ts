import { formatIpv4, ipv4Number } from "../net/address.js";
import { PacketError } from "../net/packet-error.js";
import { describeOption, optionCode } from "./option-codes.js";

const headerBytes = 236;
const magicCookie = 0x63825363;
/** The minimum size of a BOOTP message (RFC 1542, section 2.1); some firmware drops shorter ones. */
const minMessageBytes = 300;
/** The largest value that the length byte of an option can describe. */
const maxOptionBytes = 255;
/** A pad option (RFC 2132, section 3.1): old firmware reads the name in option 67 up to a NUL. */
const bootFilePadBytes = 1;
/** The bits of option 52. */
const overloadBits = { file: 1, serverName: 2 };

/** A BOOTP or DHCP message (RFC 2131, section 2). */
export interface DhcpMessage {
  readonly op: "request" | "reply";
  /** 1 is Ethernet. */
  readonly hardwareType: number;
  readonly hops: number;
  readonly transactionId: number;
  readonly seconds: number;
  readonly flags: number;
  /** IPv4 addresses in dotted-decimal notation; `0.0.0.0` means none. */
  readonly clientAddress: string;
  readonly yourAddress: string;
  readonly nextServer: string;
  readonly relayAddress: string;
  readonly hardwareAddress: Buffer;
  /** The fields `sname` and `file` up to the first NUL; empty if they hold options (option 52). */
  readonly serverName: string;
  readonly bootFile: string;
  readonly options: ReadonlyMap<number, Buffer>;
}

/**
 * Parses a message. Joins options that are split (RFC 3396) and includes the options in overloaded
 * fields (option 52).
 * @param bytes must not change later: the result refers to this memory
 * @throws PacketError
 */
export function parseDhcp(bytes: Buffer): DhcpMessage {
  if (bytes.length < headerBytes + 4) throw new PacketError("it is shorter than a DHCP message");
  if (bytes.readUInt32BE(headerBytes) !== magicCookie) throw new PacketError("it is not DHCP");
  const op = bytes[0];
  if (op !== 1 && op !== 2) throw new PacketError(`its operation is ${op}`);
  const hardwareLength = bytes.readUInt8(2);
  if (hardwareLength > 16) throw new PacketError("its hardware address is too long");
  const serverName = bytes.subarray(44, 108);
  const bootFile = bytes.subarray(108, 236);
  const options = new Map<number, Buffer>();
  readOptions(bytes.subarray(headerBytes + 4), options);
  const overload = options.get(optionCode.overload)?.[0] ?? 0;
  if (overload & overloadBits.file) readOptions(bootFile, options);
  if (overload & overloadBits.serverName) readOptions(serverName, options);
  return {
    op: op === 1 ? "request" : "reply",
    hardwareType: bytes.readUInt8(1),
    hops: bytes.readUInt8(3),
    transactionId: bytes.readUInt32BE(4),
    seconds: bytes.readUInt16BE(8),
    flags: bytes.readUInt16BE(10),
    clientAddress: formatIpv4(bytes.subarray(12)),
    yourAddress: formatIpv4(bytes.subarray(16)),
    nextServer: formatIpv4(bytes.subarray(20)),
    relayAddress: formatIpv4(bytes.subarray(24)),
    hardwareAddress: bytes.subarray(28, 28 + hardwareLength),
    serverName: overload & overloadBits.serverName ? "" : textUntilNul(serverName),
    bootFile: overload & overloadBits.file ? "" : textUntilNul(bootFile),
    options,
  };
}

function readOptions(bytes: Buffer, options: Map<number, Buffer>): void {
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at] ?? 255;
    at += 1;
    if (code === 0) continue;
    if (code === 255) return;
    const length = bytes[at];
    if (length === undefined || at + 1 + length > bytes.length) {
      throw new PacketError(`its ${describeOption(code)} is truncated`);
    }
    const value = bytes.subarray(at + 1, at + 1 + length);
    const before = options.get(code);
    options.set(code, before === undefined ? value : Buffer.concat([before, value]));
    at += 1 + length;
  }
}

function textUntilNul(bytes: Buffer): string {
  const nul = bytes.indexOf(0);
  return bytes.toString("latin1", 0, nul === -1 ? bytes.length : nul);
}

/**
 * Serializes a message. If the boot file does not fit into its field, the field stays empty: the
 * caller also provides it in option 67.
 */
export function formatDhcp(message: DhcpMessage): Buffer {
  const bytes = Buffer.alloc(Math.max(messageBytes(message), minMessageBytes));
  bytes[0] = message.op === "request" ? 1 : 2;
  bytes[1] = message.hardwareType;
  bytes[2] = message.hardwareAddress.length;
  bytes[3] = message.hops;
  bytes.writeUInt32BE(message.transactionId, 4);
  bytes.writeUInt16BE(message.seconds, 8);
  bytes.writeUInt16BE(message.flags, 10);
  putAddress(bytes, 12, message.clientAddress);
  putAddress(bytes, 16, message.yourAddress);
  putAddress(bytes, 20, message.nextServer);
  putAddress(bytes, 24, message.relayAddress);
  bytes.set(message.hardwareAddress, 28);
  putText(bytes, 44, 64, message.serverName);
  putText(bytes, 108, 128, message.bootFile);
  bytes.writeUInt32BE(magicCookie, headerBytes);
  let at = headerBytes + 4;
  for (const [code, value] of message.options) {
    at = putOption(bytes, at, code, value);
    if (code === optionCode.bootFileName) at += bootFilePadBytes;
  }
  bytes[at] = 255;
  return bytes;
}

/** Includes the magic cookie and the end option. */
function messageBytes({ options }: DhcpMessage): number {
  let size = headerBytes + 4 + 1;
  if (options.has(optionCode.bootFileName)) size += bootFilePadBytes;
  for (const value of options.values()) {
    size += value.length + 2 * Math.max(1, Math.ceil(value.length / maxOptionBytes));
  }
  return size;
}

/**
 * Writes an option, split into several if its value is too long for one (RFC 3396).
 * @returns the position after it
 */
function putOption(bytes: Buffer, start: number, code: number, value: Buffer): number {
  let at = start;
  let taken = 0;
  do {
    const part = value.subarray(taken, taken + maxOptionBytes);
    bytes[at] = code;
    bytes[at + 1] = part.length;
    bytes.set(part, at + 2);
    at += 2 + part.length;
    taken += part.length;
  } while (taken < value.length);
  return at;
}

function putAddress(bytes: Buffer, start: number, address: string): void {
  if (address !== "0.0.0.0") bytes.writeUInt32BE(ipv4Number(address), start);
}

/** Writes nothing if there is no room for the text and a NUL. */
function putText(bytes: Buffer, start: number, length: number, text: string): void {
  if (text !== "" && text.length < length) bytes.write(text, start, "latin1");
}
