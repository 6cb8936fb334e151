import { Worker } from "node:worker_threads";
import type { ByteSource } from "./byte-source.js";
import { DecompressionError } from "./decompression-error.js";

/** Number of chunks that the worker may be ahead of the reader. */
const maxChunksAhead = 16;

export interface ZstdWorkerInput {
  readonly path: string;
  /** Offset of the first compressed byte in the file. */
  readonly offset: number;
  /** Compressed bytes. */
  readonly size: number;
  /** One counter. The worker decreases it for each chunk that it sends, and waits while it is 0. */
  readonly credits: SharedArrayBuffer;
}

export type ZstdWorkerMessage =
  | { readonly chunk: Uint8Array }
  | { readonly error: string }
  | { readonly done: true };

/**
 * Decompresses zstd without the program: zstddec (WASM) in a worker thread reads the source's file
 * once that is complete. Node's own zstd does not work here, because it drops all but the first of
 * several frames.
 * @throws DecompressionError
 */
export async function* unzstd(source: ByteSource, signal: AbortSignal): AsyncGenerator<Buffer> {
  await source.complete;
  const credits = new Int32Array(new SharedArrayBuffer(4));
  credits[0] = maxChunksAhead;
  const { path, offset = 0, size } = source;
  const workerData: ZstdWorkerInput = { path, offset, size, credits: credits.buffer };
  const worker = new Worker(new URL("./zstd-worker.js", import.meta.url), { workerData });
  const messages = new MessageQueue(worker);
  const stop = () => messages.push({ error: "interrupted" });
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const message = await messages.next();
      if ("done" in message) return;
      if ("error" in message) throw new DecompressionError(message.error);
      yield Buffer.from(message.chunk.buffer, message.chunk.byteOffset, message.chunk.byteLength);
      Atomics.add(credits, 0, 1);
      Atomics.notify(credits, 0);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

class MessageQueue {
  readonly #messages: ZstdWorkerMessage[] = [];
  #wake: (() => void) | undefined;

  constructor(worker: Worker) {
    worker.on("message", (message: ZstdWorkerMessage) => this.push(message));
    worker.on("error", (error) => this.push({ error: String(error) }));
  }

  push(message: ZstdWorkerMessage): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  async next(): Promise<ZstdWorkerMessage> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
