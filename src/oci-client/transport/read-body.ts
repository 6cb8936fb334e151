/** What was read of a body: all of it, or its first bytes. */
export interface BodyStart {
  bytes: Uint8Array;
  complete: boolean;
}

/** Reads a body into memory and gives up the connection once it proves longer than `limit` bytes. */
export async function readBody(body: AsyncIterable<Uint8Array>, limit: number): Promise<BodyStart> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) {
      chunks.push(chunk.subarray(0, chunk.length - (length - limit)));
      return { bytes: Buffer.concat(chunks), complete: false };
    }
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), complete: true };
}
