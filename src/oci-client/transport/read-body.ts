/** A whole body, or its first bytes. */
export interface BodyStart {
  readonly bytes: Uint8Array;
  readonly complete: boolean;
}

/** Reads up to `maxBytes` bytes of a body into memory. Drops the connection if the body is longer. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<BodyStart> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) {
      chunks.push(chunk.subarray(0, chunk.length - (length - maxBytes)));
      return { bytes: Buffer.concat(chunks), complete: false };
    }
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), complete: true };
}
