/** The header up to `e_machine`. */
const headerBytes = 20;

/** Offsets in the header, and the values there that matter. */
const classOffset = 4;
const class64 = 2;
const encodingOffset = 5;
const littleEndian = 1;
const machineOffset = 18;

/**
 * `e_machine` (System V ABI, "ELF Header", and its processor supplements) and OCI's names: for 32 bits
 * and for 64 bits, each for big-endian and little-endian programs.
 */
const machines: Readonly<
  Record<number, Partial<Record<"be32" | "le32" | "be64" | "le64", string>>>
> = {
  3: { le32: "386" },
  8: { be32: "mips", le32: "mipsle", be64: "mips64", le64: "mips64le" },
  21: { be64: "ppc64", le64: "ppc64le" },
  22: { be64: "s390x" },
  40: { le32: "arm" },
  62: { le64: "amd64" },
  183: { le64: "arm64" },
  243: { le64: "riscv64" },
  258: { le64: "loong64" },
};

/**
 * The architecture of an ELF program or library.
 * @param head the beginning of the file
 * @returns OCI's name; undefined for other files, and for machines without one
 */
export function elfArchitecture(head: Buffer): string | undefined {
  if (head.length < headerBytes || head.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  const isLittleEndian = head[encodingOffset] === littleEndian;
  const bits = head[classOffset] === class64 ? 64 : 32;
  const machine = isLittleEndian
    ? head.readUInt16LE(machineOffset)
    : head.readUInt16BE(machineOffset);
  return machines[machine]?.[`${isLittleEndian ? "le" : "be"}${bits}`];
}
