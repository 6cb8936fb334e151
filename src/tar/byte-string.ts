/**
 * A string that holds bytes: one character, U+0000 to U+00FF, a byte (what Node calls latin1).
 * File names are bytes, not text; as such strings they are compared, hashed and joined without
 * loss and without a Buffer object each.
 */
export type ByteString = string;

export function fromBytes(bytes: Buffer, start = 0, end = bytes.length): ByteString {
  return bytes.toString("latin1", start, end);
}

export function toBytes(text: ByteString): Buffer {
  return Buffer.from(text, "latin1");
}

/** For messages: reads the bytes as UTF-8. */
export function display(text: ByteString): string {
  return toBytes(text).toString("utf8");
}

/** The bytes of a JavaScript string in UTF-8, as a ByteString. */
export function encode(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}
