import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { ZSTDDecoder } from "zstddec/stream";
import type { ZstdWorkerInput, ZstdWorkerMessage } from "./unzstd.js";

const chunkBytes = 128 * 1024;
/**
 * The decoder loops forever on some damaged data. One chunk of input may legitimately cause this many
 * rounds without output: if it consists of empty frames of eight bytes each (RFC 8878 §3.1.2).
 */
const maxEmptyRounds = chunkBytes / 8;
let emptyRounds = 0;

const { path, offset, size, credits } = workerData as ZstdWorkerInput;
const counter = new Int32Array(credits);

function post(message: ZstdWorkerMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function* fileChunks(): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    for (let position = 0; position < size; ) {
      const chunk = new Uint8Array(Math.min(chunkBytes, size - position));
      const count = readSync(file, chunk, 0, chunk.length, offset + position);
      if (count === 0) return;
      position += count;
      emptyRounds = 0;
      yield chunk.subarray(0, count);
    }
  } finally {
    closeSync(file);
  }
}

function takeCredit(): void {
  while (Atomics.load(counter, 0) <= 0) Atomics.wait(counter, 0, 0, 1000);
  Atomics.sub(counter, 0, 1);
}

try {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  for (const chunk of decoder.decodeStreaming(fileChunks())) {
    emptyRounds = chunk.length === 0 ? emptyRounds + 1 : 0;
    if (emptyRounds > maxEmptyRounds) throw new Error("the data are damaged");
    if (chunk.length === 0) continue;
    takeCredit();
    post({ chunk }, [chunk.buffer as ArrayBuffer]);
  }
  post({ done: true });
} catch (error) {
  post({ error: (error as Error).message });
}
