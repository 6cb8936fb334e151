/**
 * A string that holds bytes, one per character (U+0000 to U+00FF; Node's latin1 encoding). File
 * names are bytes, not text. As such strings they can be compared, hashed and joined without loss
 * and without a Buffer object for each.
 */
export type ByteString = string;

export function fromBytes(bytes: Buffer, start = 0, end = bytes.length): ByteString {
  return bytes.toString("latin1", start, end);
}

export function toBytes(text: ByteString): Buffer {
  return Buffer.from(text, "latin1");
}

/** Decodes the bytes as UTF-8, for messages. */
export function display(text: ByteString): string {
  return toBytes(text).toString("utf8");
}

/** As `display`, but cuts off what is longer than a message should be. */
export function abbreviate(text: ByteString): string {
  return text.length > maxMessageBytes
    ? `${display(text.slice(0, maxMessageBytes))}…`
    : display(text);
}

const maxMessageBytes = 100;

/** Encodes a JavaScript string as UTF-8 bytes. */
export function encode(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}
