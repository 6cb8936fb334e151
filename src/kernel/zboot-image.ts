/**
 * True for the beginning of an EFI zboot image: an EFI program that decompresses the kernel which it
 * contains (Linux, drivers/firmware/efi/libstub/zboot-header.S).
 */
export function isZbootImage(head: Buffer): boolean {
  return head.toString("latin1", 0, 2) === "MZ" && head.toString("latin1", 4, 8) === "zimg";
}
