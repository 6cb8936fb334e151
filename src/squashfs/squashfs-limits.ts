import type { InodeLimits } from "../layers/index.js";

/** The largest unsigned 32-bit number. */
const maxTime = 0xffffffff;

/**
 * Limits of a squashfs inode.
 *
 * - Device numbers: 12 bits for the major number and 20 for the minor one, as Linux encodes them
 *   in 32 bits (include/linux/kdev_t.h, `new_encode_dev`). mksquashfs 4.5.1 silently stores other
 *   numbers if they are larger.
 * - Times: unsigned 32-bit seconds; squashfs-tools before 4.7.1 misreads others.
 * - Extended attributes: three name spaces (fs/squashfs/xattr.c). POSIX ACLs, in `system.`, are
 *   not among them.
 */
export const squashfsLimits: InodeLimits = {
  maxDeviceMajor: 0xfff,
  maxDeviceMinor: 0xfffff,
  clampTime: (seconds) => Math.min(Math.max(seconds, 0), maxTime),
  supportsXattr: (name) => /^(?:user|trusted|security)\./.test(name),
};
