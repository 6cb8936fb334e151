/** How much larger an initrd is once it is unpacked: two to four times, by its compression. */
const expansion = 3;
/** Bytes that a small system takes, without what is to run on it. */
const system = 512 * 1024 ** 2;

interface Sized {
  /** Bytes. */
  readonly size: number;
}

/**
 * Bytes of memory that a machine needs at least to boot from these files, by estimate:
 * `root=live:` keeps the squashfs in memory as long as the machine runs; kernel and initrd are there
 * twice for a moment, as they came and unpacked.
 */
export function estimateMemory({ kernel, initrd, squashfs }: Record<Files, Sized>): number {
  return squashfs.size + (1 + expansion) * initrd.size + 2 * kernel.size + system;
}

type Files = "kernel" | "initrd" | "squashfs";
