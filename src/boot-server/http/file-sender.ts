import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { extname } from "node:path";
import send from "send";
import { systemCode } from "../../support/index.js";
import { BlockCache, blockSizeBytes, type OpenFile } from "../files/block-cache.js";
import { fileEtag, fileIdentity } from "../files/file-identity.js";
import type { ServedFile } from "../files/served-file.js";
import type { AdmissionQueue } from "./admission-queue.js";
import { sendText } from "./end-with-text.js";
import { defaultStallTimeoutMs, withSlot } from "./with-slot.js";

/** EDK2 goes by these (UEFI specification, 24.7.3.1). */
const types: Readonly<Record<string, string>> = {
  ".efi": "application/efi",
  ".iso": "application/vnd.efi-iso",
};

/** Seconds after which a client is to ask again for a file that was replaced. */
const changedPause = 2;

/** Bytes `start` to `end`, the latter not included. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Answers requests for files: ranges and conditions (RFC 9110, sections 13 and 14), in turn. */
export class FileSender {
  readonly #admission: AdmissionQueue;
  readonly #stallTimeoutMs: number;
  readonly #blocks = new BlockCache();

  /** @param longestStall milliseconds without a byte taken after which a client is given up */
  constructor(admission: AdmissionQueue, stallTimeoutMs = defaultStallTimeoutMs) {
    this.#admission = admission;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /** @throws the errors of opening and reading; the connection is of no use then */
  async send(request: IncomingMessage, response: ServerResponse, file: ServedFile): Promise<void> {
    const handle = await opened(file);
    if (handle === undefined) return refuseChanged(response);
    try {
      const stats = await handle.stat();
      const { size } = stats;
      const identity = fileIdentity(stats);
      if (isAnother(file, identity)) return refuseChanged(response);
      response.setHeader("ETag", size === file.size ? file.etag : fileEtag(stats));
      response.setHeader("Content-Type", types[extname(file.name)] ?? "application/octet-stream");
      const range = await rangeOf(request, response, file.path, stats);
      if (range === undefined) return;
      await withSlot(this.#admission, request, response, range.end - range.start, () =>
        this.#write(response, { handle, size, identity }, range),
      );
    } finally {
      await handle.close();
    }
  }

  async #write(response: ServerResponse, file: OpenFile, { start, end }: Range): Promise<void> {
    response.setTimeout(this.#stallTimeoutMs);
    let ahead =
      start < end ? this.#blocks.take(file, Math.floor(start / blockSizeBytes)) : undefined;
    for (let position = start; ahead !== undefined; ) {
      const block = await ahead;
      const first = position % blockSizeBytes;
      const bytes = block.bytes.subarray(first, first + end - position);
      position += bytes.length;
      ahead = position < end ? this.#blocks.take(file, position / blockSizeBytes) : undefined;
      // Its error is met with when it is its turn.
      ahead?.catch(() => {});
      await written(response, bytes);
      block.release();
      if (!response.destroyed) continue;
      await ahead?.then((unused) => unused.release());
      return;
    }
    response.end();
  }
}

/** Undefined where a file of a release is gone, which may be made again just now. */
async function opened({ path, identity }: ServedFile): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (identity !== undefined && systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether something else stands where a file of a release was read. */
function isAnother({ identity }: ServedFile, found: string): boolean {
  return identity !== undefined && identity !== found;
}

/** Soon the file is known as it is now, or its address is gone. */
function refuseChanged(response: ServerResponse): void {
  response.setHeader("Retry-After", changedPause);
  sendText(response, 503, "text/plain", "The files of this release are being replaced.\n");
}

/**
 * The part of a file that is asked for, with the head of the answer prepared; undefined where the
 * answer is complete without.
 */
function rangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  stats: Stats,
): Promise<Range | undefined> {
  return new Promise((resolve) => {
    const options = { cacheControl: false, dotfiles: "allow" } as const;
    const head = send(request, encodeURI(path), options);
    // What is open already is neither looked up again nor read by `send`.
    head.sendFile = () => head.send(path, stats);
    head.stream = (_, { start }: { start: number }) =>
      resolve({ start, end: start + Number(response.getHeader("Content-Length")) });
    response.once("close", () => resolve(undefined));
    head.on("error", ({ status }: { status: number }) => {
      sendText(response, status, "text/plain", `${STATUS_CODES[status]}.\n`);
      resolve(undefined);
    });
    head.pipe(response);
  });
}

/** Waits until the system has the bytes, or nobody wants them any more. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      response.off("close", done);
      resolve();
    };
    // The callback of `write` is not called for what waits when the connection ends.
    response.once("close", done);
    response.write(bytes, done);
  });
}
