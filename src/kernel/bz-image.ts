import { firstVersion, textAt } from "./kernel-version.js";

/** Offset at which the setup header ends. */
const setupHeaderEnd = 0x268;

/** The properties of a bzImage, from its setup header. */
export interface BzImage {
  /** OCI's name. */
  readonly architecture: "amd64" | "386";
  readonly version: string | undefined;
  /** Bytes that the file has at least. */
  readonly minBytes: number;
}

/**
 * Reads the setup header of a bzImage (Linux, Documentation/arch/x86/boot.rst).
 * @param head the beginning of the file
 * @returns undefined for other files
 */
export function readBzImage(head: Buffer): BzImage | undefined {
  if (head.length < setupHeaderEnd || head.toString("latin1", 0x202, 0x206) !== "HdrS") {
    return undefined;
  }
  const setupSectors = head.readUInt8(0x1f1) || 4;
  const size = (setupSectors + 1) * 512 + head.readUInt32LE(0x1f4) * 16;
  const pointer = head.readUInt16LE(0x20e);
  const text = pointer === 0 ? "" : textAt(head, pointer + 0x200);
  // Bit 0 of xloadflags: the kernel has a 64-bit entry point.
  const is64Bit = head.readUInt16LE(0x206) < 0x20c || (head.readUInt16LE(0x236) & 1) === 1;
  return {
    architecture: is64Bit ? "amd64" : "386",
    version: firstVersion(text),
    // The last paragraph of 16 bytes may be incomplete.
    minBytes: size - 15,
  };
}
