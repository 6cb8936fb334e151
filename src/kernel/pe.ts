import { peMachines } from "../kairos/index.js";
import { NetbootError } from "../support/index.js";

/** What is known of an EFI program by its headers (PE32+; Microsoft's PE Format, sections 2–4). */
export interface PeHeaders {
  /** As OCI names it; undefined for others than those. */
  readonly architecture: string | undefined;
  /** Offsets in the file. */
  readonly coff: number;
  readonly optional: number;
  readonly sectionTable: number;
  readonly sections: readonly PeSection[];
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly imageSize: number;
  readonly headersSize: number;
}

export interface PeSection {
  readonly name: string;
  readonly virtualSize: number;
  readonly virtualAddress: number;
  readonly rawSize: number;
  readonly rawOffset: number;
}

/** Bytes of a section's header. */
export const sectionHeaderSize = 40;

/**
 * @param bytes the beginning of a file, with all of its headers
 * @returns undefined where that is no PE32+
 */
export function readPe(bytes: Buffer): PeHeaders | undefined {
  if (bytes.length < 64 || bytes.toString("latin1", 0, 2) !== "MZ") return undefined;
  const start = bytes.readUInt32LE(0x3c);
  const [coff, optional] = [start + 4, start + 24];
  if (optional + 112 > bytes.length) return undefined;
  if (bytes.toString("latin1", start, coff) !== "PE\0\0") return undefined;
  if (bytes.readUInt16LE(optional) !== 0x20b) return undefined;
  const sectionTable = optional + bytes.readUInt16LE(coff + 16);
  const count = bytes.readUInt16LE(coff + 2);
  if (sectionTable + count * sectionHeaderSize > bytes.length) return undefined;
  const sections = Array.from({ length: count }, (_, index) =>
    readSection(bytes, sectionTable + index * sectionHeaderSize),
  );
  const [sectionAlignment, fileAlignment] = [32, 36].map((at) => bytes.readUInt32LE(optional + at));
  if (!isPowerOfTwo(sectionAlignment!) || !isPowerOfTwo(fileAlignment!)) return undefined;
  return {
    architecture: peMachines[bytes.readUInt16LE(coff)],
    coff,
    optional,
    sectionTable,
    sections,
    sectionAlignment: sectionAlignment!,
    fileAlignment: fileAlignment!,
    imageSize: bytes.readUInt32LE(optional + 56),
    headersSize: bytes.readUInt32LE(optional + 60),
  };
}

function readSection(bytes: Buffer, at: number): PeSection {
  return {
    name: bytes.toString("latin1", at, at + 8).replace(/\0+$/, ""),
    virtualSize: bytes.readUInt32LE(at + 8),
    virtualAddress: bytes.readUInt32LE(at + 12),
    rawSize: bytes.readUInt32LE(at + 16),
    rawOffset: bytes.readUInt32LE(at + 20),
  };
}

export interface NewSection {
  /** At most eight characters. */
  readonly name: string;
  /** Bytes of the contents. */
  readonly size: number;
  /** Bytes that it takes in memory, if more. */
  readonly memory?: number;
  readonly isCode?: boolean;
}

export interface ExtendedPe {
  /** The program with its new headers, up to where the first new contents begin. */
  readonly head: Buffer;
  /** Bytes of zero behind each of the new contents, in their order. */
  readonly paddings: readonly number[];
}

/** Memory is protected by pages: what is added does not share one. */
const page = 4096;
/** What is addressed with 32 bits, whole pages. */
const mostMemory = 2 ** 32 - page;
const code = 0x60000020; // CNT_CODE, MEM_EXECUTE, MEM_READ
const data = 0x40000040; // CNT_INITIALIZED_DATA, MEM_READ

/**
 * Adds sections to the end of an EFI program, as objcopy does. Its symbols and its signature, which
 * would no longer hold, are left out.
 * @throws NetbootError STUB_INVALID where there is no room for further headers, KERNEL_UNFIT where all
 *   together would not fit into 4 GiB
 */
export function extendPe(
  program: Buffer,
  headers: PeHeaders,
  added: readonly NewSection[],
): ExtendedPe {
  const { coff, optional, sectionTable, sections, fileAlignment } = headers;
  const contentsEnd = Math.max(...sections.map(({ rawOffset, rawSize }) => rawOffset + rawSize));
  const tableEnd = sectionTable + (sections.length + added.length) * sectionHeaderSize;
  const used = sections.filter(({ rawSize }) => rawSize > 0).map(({ rawOffset }) => rawOffset);
  if (tableEnd > Math.min(headers.headersSize, ...used)) throw noRoom();
  const head = Buffer.alloc(aligned(contentsEnd, fileAlignment));
  program.copy(head, 0, 0, Math.min(contentsEnd, program.length));
  const alignment = Math.max(page, headers.sectionAlignment);
  let address = Math.max(
    ...sections.map(({ virtualAddress, virtualSize }) => virtualAddress + virtualSize),
  );
  let offset = head.length;
  const paddings: number[] = [];
  for (const [index, { name, size, memory = 0, isCode = false }] of added.entries()) {
    const at = sectionTable + (sections.length + index) * sectionHeaderSize;
    const [virtualSize, rawSize] = [Math.max(size, memory), aligned(size, fileAlignment)];
    address = aligned(address, alignment);
    head.fill(0, at, at + sectionHeaderSize);
    head.write(name, at, 8, "latin1");
    for (const [field, value] of [virtualSize, address, rawSize, offset].entries()) {
      head.writeUInt32LE(value, at + 8 + field * 4);
    }
    head.writeUInt32LE(isCode ? code : data, at + 36);
    address += virtualSize;
    offset += rawSize;
    if (Math.max(address, offset) > mostMemory) throw tooLarge();
    paddings.push(rawSize - size);
    const total = optional + (isCode ? 4 : 8);
    head.writeUInt32LE(head.readUInt32LE(total) + rawSize, total);
  }
  head.writeUInt16LE(sections.length + added.length, coff + 2);
  // Symbols: none.
  head.writeUInt32LE(0, coff + 8);
  head.writeUInt32LE(0, coff + 12);
  head.writeUInt32LE(aligned(address, headers.sectionAlignment), optional + 56);
  // Checksum: not given.
  head.writeUInt32LE(0, optional + 64);
  // The fifth data directory is the signature's.
  if (head.readUInt32LE(optional + 108) > 4) head.fill(0, optional + 144, optional + 152);
  return { head, paddings };
}

export function aligned(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

function noRoom(): NetbootError {
  return new NetbootError(
    "STUB_INVALID",
    "The EFI stub has no room for the headers of further sections.",
    "Install another version of the package systemd-boot-efi.",
  );
}

function tooLarge(): NetbootError {
  return new NetbootError(
    "KERNEL_UNFIT",
    "The image's kernel and initrd would take more than 4 GiB of memory; no unified kernel image can be made of them.",
    "Leave --uki out, or choose another kernel of the image with --kernel.",
  );
}
