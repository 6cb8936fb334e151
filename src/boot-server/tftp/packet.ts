import { PacketError } from "../net/packet-error.js";

/** The TFTP opcodes (RFC 1350, section 5; RFC 2347). */
const opcode = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** The TFTP error codes (RFC 1350, appendix; RFC 2347). */
export const tftpErrorCode = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransfer: 5,
  optionRefused: 8,
} as const;

/** Each character of the name stands for a byte; the options are in the order of the request. */
export interface ReadRequest {
  readonly kind: "read";
  readonly name: string;
  readonly mode: string;
  readonly options: ReadonlyMap<string, string>;
}

export type TftpRequest = ReadRequest | { readonly kind: "write" };

/** A packet from the client during a transfer. */
export type TransferPacket =
  | { readonly kind: "ack"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly message: string };

/** @throws PacketError */
export function parseRequest(bytes: Buffer): TftpRequest {
  const code = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  if (code === opcode.wrq) return { kind: "write" };
  if (code !== opcode.rrq) throw new PacketError("it is not a TFTP request");
  const words = bytes.toString("latin1", 2).split("\0");
  // A NUL ends each word, so the last element is what follows the last word.
  words.pop();
  const [sentName = "", ...others] = words;
  // Old firmware reads the name in option 67 beyond its end, and sends the bytes that follow it, too.
  const name = sentName.replace(/\xff+$/, "");
  const modeIndex = others.findIndex((word) => word !== "");
  const [mode, ...rest] = modeIndex === -1 ? [] : others.slice(modeIndex);
  if (mode === undefined) throw new PacketError("the request is truncated");
  const options = new Map<string, string>();
  for (let index = 0; index + 1 < rest.length; index += 2) {
    const [key = "", value = ""] = rest.slice(index, index + 2);
    options.set(key.toLowerCase(), value);
  }
  return { kind: "read", name, mode: mode.toLowerCase(), options };
}

/** @throws PacketError */
export function parseTransferPacket(bytes: Buffer): TransferPacket {
  if (bytes.length >= 4) {
    const code = bytes.readUInt16BE(0);
    if (code === opcode.ack) return { kind: "ack", block: bytes.readUInt16BE(2) };
    if (code === opcode.error) {
      const message = bytes.toString("latin1", 4).replace(/\0.*$/s, "");
      return { kind: "error", code: bytes.readUInt16BE(2), message };
    }
  }
  throw new PacketError("it does not belong to a transfer");
}

/** Size of the header before the contents of a block. */
export const dataHeaderBytes = 4;

/**
 * Writes the header before the contents of a block.
 * @param block the block's number, of which the low 16 bits are sent
 */
export function writeDataHeader(packet: Buffer, block: number): void {
  packet.writeUInt16BE(opcode.data, 0);
  packet.writeUInt16BE(block % 65536, 2);
}

export function optionAcknowledgement(options: ReadonlyMap<string, string>): Buffer {
  const words = [...options].flat().map((word) => `${word}\0`);
  return Buffer.concat([Buffer.from([0, opcode.oack]), Buffer.from(words.join(""), "latin1")]);
}

export function errorPacket(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0, opcode.error, 0, code]), Buffer.from(`${message}\0`)]);
}
