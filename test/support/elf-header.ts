export interface ElfHeaderFields {
  /** `e_machine`. */
  readonly machine: number;
  readonly bits?: 32 | 64;
  readonly isBigEndian?: boolean;
}

/** The header of a program (System V ABI, "ELF Header"), with nothing after it. */
export function elfHeader({ machine, bits = 64, isBigEndian = false }: ElfHeaderFields): Buffer {
  const header = Buffer.alloc(bits === 64 ? 64 : 52);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, isBigEndian ? 2 : 1, 1]);
  const executable = 2;
  for (const [at, value] of [
    [16, executable],
    [18, machine],
  ] as const) {
    if (isBigEndian) header.writeUInt16BE(value, at);
    else header.writeUInt16LE(value, at);
  }
  return header;
}
