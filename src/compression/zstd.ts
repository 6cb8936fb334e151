import { Worker } from "node:worker_threads";
import type { Blob } from "../sources/index.js";
import { FormatError } from "../tar/index.js";

/** Chunks that the worker may be ahead of the reader. */
const credit = 16;

export interface ZstdWorkerInput {
  readonly path: string;
  /** Where in the file the compressed bytes begin, and how many they are. */
  readonly offset: number;
  readonly size: number;
  /** One counter, decreased by the worker for each chunk it sends, waited for at 0. */
  readonly credits: SharedArrayBuffer;
}

export type ZstdWorkerMessage = { chunk: Uint8Array } | { error: string } | { done: true };

/**
 * zstd without the program: zstddec (WASM) in a worker thread, fed from the blob's file once it
 * is complete. Node's own zstd is not used: it drops all but the first of concatenated frames.
 * @throws FormatError
 */
export async function* unzstd(blob: Blob, signal: AbortSignal): AsyncGenerator<Buffer> {
  await blob.complete;
  const credits = new Int32Array(new SharedArrayBuffer(4));
  credits[0] = credit;
  const { path, offset = 0, descriptor } = blob;
  const { size } = descriptor;
  const workerData: ZstdWorkerInput = { path, offset, size, credits: credits.buffer };
  const worker = new Worker(new URL("./zstd-worker.js", import.meta.url), { workerData });
  const messages = new MessageQueue(worker);
  const stop = () => messages.push({ error: "interrupted" });
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const message = await messages.next();
      if ("done" in message) return;
      if ("error" in message) throw new FormatError(message.error);
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
    worker.on("error", (error) => this.push({ error: `it cannot be decompressed: ${error}` }));
  }

  push(message: ZstdWorkerMessage): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  async next(): Promise<ZstdWorkerMessage> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift()!;
  }
}
