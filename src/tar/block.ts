/** Bytes of a block of a tar: a header is one block, contents are padded to whole blocks. */
export const blockSize = 512;

const zeroBlock = Buffer.alloc(blockSize);

/** Bytes that contents of this size take up in an archive. */
export function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

export function isZero(bytes: Buffer): boolean {
  if (bytes.length <= blockSize) return bytes.equals(zeroBlock.subarray(0, bytes.length));
  // All bytes are equal if each one equals the next; comparing buffers is faster than a loop.
  return bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1));
}
