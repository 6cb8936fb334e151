import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../support/checkout.js";

const recordings = join(checkout, "testdata/firmware");

/** A UDP datagram that a test makes, and the port that it comes from. */
interface SentDatagram {
  readonly payload: Buffer;
  readonly port: number;
}

/** A UDP datagram in a recording. */
export interface Datagram {
  /** Counts from 1, as in tshark. */
  readonly frame: number;
  readonly from: { readonly address: string; readonly port: number };
  readonly to: { readonly address: string; readonly port: number };
  readonly payload: Buffer;
}

const readRecordings = new Map<string, readonly Datagram[]>();

/** Returns all datagrams of a recording of real firmware, in order. */
export function datagramsOf(name: string): readonly Datagram[] {
  const datagrams = readRecordings.get(name) ?? readRecording(name);
  readRecordings.set(name, datagrams);
  return datagrams;
}

/** Reads a pcapng file whose packets are UDP in IPv4 in Ethernet, or nothing of interest. */
function readRecording(name: string): Datagram[] {
  const frames = [...framesOf(readFileSync(join(recordings, name)))];
  return frames.flatMap((bytes, index) => {
    const isIpv4 = bytes.readUInt16BE(12) === 0x0800;
    if (!isIpv4 || bytes[14 + 9] !== 17) return [];
    const udp = 14 + ((bytes[14] ?? 0) & 15) * 4;
    const addressAt = (offset: number) => bytes.subarray(offset, offset + 4).join(".");
    return {
      frame: index + 1,
      from: { address: addressAt(14 + 12), port: bytes.readUInt16BE(udp) },
      to: { address: addressAt(14 + 16), port: bytes.readUInt16BE(udp + 2) },
      payload: bytes.subarray(udp + 8, udp + bytes.readUInt16BE(udp + 4)),
    };
  });
}

/** The frames of the enhanced packet blocks (type 6) of a pcapng file. */
function* framesOf(file: Buffer): Generator<Buffer> {
  for (let start = 0; start < file.length; start += file.readUInt32LE(start + 4)) {
    const [data, length] = [start + 28, file.readUInt32LE(start + 20)];
    if (file.readUInt32LE(start) === 6) yield file.subarray(data, data + length);
  }
}

/**
 * Decodes a datagram with tshark, an independent implementation.
 * @param path the capture file to write for tshark
 * @returns the lines of its detailed view
 */
export function decode(payload: Buffer, port: number, path: string): string {
  return decodeAll([{ payload, port }], path)[0]!;
}

/** Decodes several datagrams, like `decode`. */
export function decodeAll(datagrams: readonly SentDatagram[], path: string): string[] {
  writeFileSync(path, captureOf(datagrams));
  return tshark(["-r", path, "-V"]).split(/^(?=Frame \d+:)/m);
}

/**
 * Decodes single fields of datagrams with tshark.
 * @param path the capture file to write for tshark
 * @param fields their names in Wireshark
 * @returns the values for each datagram, in the same order; "" for a missing field
 */
export function decodeFields(
  datagrams: readonly SentDatagram[],
  path: string,
  fields: readonly string[],
): string[][] {
  writeFileSync(path, captureOf(datagrams));
  const options = fields.flatMap((field) => ["-e", field]);
  const text = tshark(["-r", path, "-T", "fields", "-E", "occurrence=f", ...options]);
  const lines = text.replace(/\n$/, "").split("\n");
  return lines.map((line) => line.split("\t"));
}

function tshark(args: readonly string[]): string {
  return execFileSync("tshark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** Builds a capture file (pcap, version 2.4) of datagrams in raw IPv4. */
function captureOf(datagrams: readonly SentDatagram[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(101, 20);
  return Buffer.concat([header, ...datagrams.map(captureRecord)]);
}

function captureRecord({ payload, port }: SentDatagram): Buffer {
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + payload.length, 2);
  ip[8] = 64;
  ip[9] = 17;
  ip.set([10, 77, 0, 2, 10, 77, 0, 98], 12);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(port, 0);
  udp.writeUInt16BE(port === 67 ? 68 : port, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  const packet = Buffer.concat([ip, udp, payload]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  return Buffer.concat([header, packet]);
}
