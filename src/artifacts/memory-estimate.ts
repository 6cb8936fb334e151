/** An unpacked initrd is two to four times as large, depending on its compression. */
const initrdExpansion = 3;
/** Memory of a small running system without workloads. */
const systemBytes = 512 * 1024 ** 2;

interface Sized {
  /** Bytes. */
  readonly size: number;
}

/**
 * Estimates the memory in bytes that a machine needs at least to boot from these files. `root=live:`
 * keeps the squashfs in memory while the machine runs. Kernel and initrd are in memory twice for a
 * moment: as the machine received them, and unpacked.
 */
export function estimateMemory({ kernel, initrd, squashfs }: Record<Files, Sized>): number {
  return squashfs.size + (1 + initrdExpansion) * initrd.size + 2 * kernel.size + systemBytes;
}

type Files = "kernel" | "initrd" | "squashfs";
