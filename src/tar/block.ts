/** Bytes of a block of a tar: a header is one block, contents are padded to whole blocks. */
export const blockSize = 512;

const zeroBlock = Buffer.alloc(blockSize);

/** Bytes that contents of this size take up in an archive. */
export function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

export function isZero(bytes: Buffer): boolean {
  return bytes.length <= blockSize
    ? bytes.equals(zeroBlock.subarray(0, bytes.length))
    : bytes.every((byte) => byte === 0);
}
