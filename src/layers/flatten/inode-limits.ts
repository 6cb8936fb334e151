import type { ByteString } from "../../tar/index.js";

/** Limits of an inode in the file system that the tar is converted to. */
export interface InodeLimits {
  readonly maxDeviceMajor: number;
  readonly maxDeviceMinor: number;
  /**
   * The nearest time that an inode can have.
   * @param seconds since 1970
   */
  clampTime(seconds: number): number;
  supportsXattr(name: ByteString): boolean;
}
