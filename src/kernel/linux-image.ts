/**
 * The architecture of an Image (Linux, Documentation/arch/arm64/booting.rst and
 * riscv/boot-image-header.rst).
 * @param head the beginning of the file
 * @returns OCI's name; undefined for other files
 */
export function imageArchitecture(head: Buffer): "arm64" | "riscv64" | undefined {
  const magic = head.toString("latin1", 0x38, 0x3c);
  return magic === "ARM\x64" ? "arm64" : magic === "RSC\x05" ? "riscv64" : undefined;
}
