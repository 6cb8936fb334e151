/** The PE format's "Machine Types", and OCI's names for them. */
const peMachines: Readonly<Record<number, string>> = {
  34404: "amd64",
  43620: "arm64",
  332: "386",
  448: "arm",
  20580: "riscv64",
};

/** Size of a section's header. */
export const sectionHeaderBytes = 40;

/** A section of a PE file. Sizes are in bytes. */
export interface PeSection {
  readonly name: string;
  readonly virtualSize: number;
  readonly virtualAddress: number;
  readonly rawSize: number;
  /** Offset in the file. */
  readonly rawOffset: number;
}

/** The headers that PE32 and PE32+ files have in common. */
export interface PeHeaders {
  /** OCI's name; undefined for machines without one. */
  readonly architecture: string | undefined;
  /** Offsets in the file. */
  readonly coff: number;
  readonly optional: number;
  readonly sectionTable: number;
  /** As many of the sections as the bytes contain. */
  readonly sections: readonly PeSection[];
  readonly hasAllSections: boolean;
}

/** The headers of a PE32+ file, which 64-bit EFI programs are. */
export interface PeProgram extends PeHeaders {
  /** Sizes and alignments are in bytes. */
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly imageSize: number;
  readonly headersSize: number;
}

/**
 * Reads the headers of a PE file (Microsoft, "PE Format", sections 2 to 4).
 * @param bytes the beginning of the file
 * @returns undefined if the file is not a PE file
 */
export function readPeHeaders(bytes: Buffer): PeHeaders | undefined {
  if (bytes.length < 0x40 || bytes.toString("latin1", 0, 2) !== "MZ") return undefined;
  const start = bytes.readUInt32LE(0x3c);
  const [coff, optional] = [start + 4, start + 24];
  if (optional > bytes.length || bytes.toString("latin1", start, coff) !== "PE\0\0") {
    return undefined;
  }
  const sectionTable = optional + bytes.readUInt16LE(coff + 16);
  const count = bytes.readUInt16LE(coff + 2);
  const end = Math.min(bytes.length, sectionTable + count * sectionHeaderBytes);
  const sections: PeSection[] = [];
  for (let at = sectionTable; at + sectionHeaderBytes <= end; at += sectionHeaderBytes) {
    sections.push(readSection(bytes, at));
  }
  const architecture = peMachines[bytes.readUInt16LE(coff)];
  const hasAllSections = sections.length === count;
  return { architecture, coff, optional, sectionTable, sections, hasAllSections };
}

/**
 * Reads the headers of a PE32+ file.
 * @param bytes the beginning of the file, with all of its headers
 * @returns undefined if the file is not a complete and valid PE32+ file
 */
export function readPeProgram(bytes: Buffer): PeProgram | undefined {
  const headers = readPeHeaders(bytes);
  if (headers === undefined || !headers.hasAllSections) return undefined;
  const { optional } = headers;
  if (optional + 112 > bytes.length || bytes.readUInt16LE(optional) !== 0x20b) return undefined;
  const sectionAlignment = bytes.readUInt32LE(optional + 32);
  const fileAlignment = bytes.readUInt32LE(optional + 36);
  if (!isPowerOfTwo(sectionAlignment) || !isPowerOfTwo(fileAlignment)) return undefined;
  const imageSize = bytes.readUInt32LE(optional + 56);
  const headersSize = bytes.readUInt32LE(optional + 60);
  return { ...headers, sectionAlignment, fileAlignment, imageSize, headersSize };
}

function readSection(bytes: Buffer, at: number): PeSection {
  return {
    name: bytes.toString("latin1", at, at + 8).replace(/\0.*$/s, ""),
    virtualSize: bytes.readUInt32LE(at + 8),
    virtualAddress: bytes.readUInt32LE(at + 12),
    rawSize: bytes.readUInt32LE(at + 16),
    rawOffset: bytes.readUInt32LE(at + 20),
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
