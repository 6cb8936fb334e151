/** Bytes that can be read from the first to the last, any number of times. */
export interface ByteStream {
  /** Each chunk is valid until the next one is requested. */
  read(): AsyncIterable<Buffer>;
}

/** Bytes in a file that is complete or still being filled. */
export interface ByteSource extends ByteStream {
  readonly path: string;
  /** Offset of the first byte in the file; undefined if the bytes are the whole file. */
  readonly offset?: number;
  /** Bytes. */
  readonly size: number;
  readonly isComplete: boolean;
  /** Settles when every byte is in the file; rejects if they cannot be obtained. */
  readonly complete: Promise<void>;
  /** Yields the bytes as they arrive. */
  read(): AsyncIterable<Buffer>;
}
