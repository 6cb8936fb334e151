/** A block of a tar; headers are one block, contents are padded to a multiple. */
export const blockSize = 512;

const zeroBlock = Buffer.alloc(blockSize);

/** @returns bytes that so many bytes take in an archive */
export function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

export function isZero(bytes: Buffer): boolean {
  return bytes.length <= blockSize
    ? bytes.equals(zeroBlock.subarray(0, bytes.length))
    : bytes.every((byte) => byte === 0);
}
