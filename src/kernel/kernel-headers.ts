/** By the machine field of the COFF header (PE format, "Machine Types"). */
export const peMachines: Readonly<Record<number, string>> = {
  34404: "amd64",
  43620: "arm64",
  332: "386",
  450: "arm",
  20580: "riscv64",
};

/** Of an Image (Linux, Documentation/arch/arm64/booting.rst, riscv/boot-image-header.rst). */
export function imageArchitecture(head: Buffer): string | undefined {
  const magic = head.toString("latin1", 0x38, 0x3c);
  return magic === "ARM\x64" ? "arm64" : magic === "RSC\x05" ? "riscv64" : undefined;
}
