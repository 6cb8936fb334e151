import { type FileHandle, open } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { extname } from "node:path";
import { systemCode } from "../../support/index.js";
import { BlockCache, blockSizeBytes, type OpenFile } from "../files/block-cache.js";
import { fileEtag, fileIdentity } from "../files/file-identity.js";
import type { ServedFile } from "../files/served-file.js";
import type { AdmissionQueue } from "./admission-queue.js";
import { type AnswerHead, evaluateRequest } from "./evaluate-request.js";
import { sendText } from "./send-text.js";
import { withSlot } from "./with-slot.js";

/** EDK2 relies on these (UEFI specification, section 24.7.3.1). */
const contentTypes: Readonly<Record<string, string>> = {
  ".efi": "application/efi",
  ".iso": "application/vnd.efi-iso",
};

/** After this time, a client should ask again for a file that was replaced. */
const retryAfterSeconds = 2;

/** Answers requests for files. Large answers wait for a slot. */
export class FileSender {
  readonly #admission: AdmissionQueue;
  readonly #stallTimeoutMs: number;
  readonly #blocks = new BlockCache();

  /** @param stallTimeoutMs after which a client that accepts no bytes is disconnected */
  constructor(admission: AdmissionQueue, stallTimeoutMs: number) {
    this.#admission = admission;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /** @throws the error of opening or reading; the connection is unusable afterwards */
  async send(request: IncomingMessage, response: ServerResponse, file: ServedFile): Promise<void> {
    const handle = await openFile(file);
    if (handle === undefined) return sendReplaced(response);
    try {
      const stats = await handle.stat();
      const identity = fileIdentity(stats);
      if (file.identity !== undefined && file.identity !== identity) return sendReplaced(response);
      const etag = stats.size === file.size ? file.etag : fileEtag(stats);
      const head = await evaluateRequest(request, file.path, etag);
      // Another file has taken over the name since this one was opened.
      if (head.stats !== undefined && fileIdentity(head.stats) !== identity) {
        return sendReplaced(response);
      }
      if (!prepareAnswer(response, head, file, etag)) return;
      if (request.method === "HEAD") return void response.end();
      const { start, end } = head;
      await withSlot(this.#admission, request, response, end - start, () =>
        this.#write(response, { handle, size: stats.size, identity }, start, end),
      );
    } finally {
      await handle.close();
    }
  }

  async #write(
    response: ServerResponse,
    file: OpenFile,
    start: number,
    end: number,
  ): Promise<void> {
    response.setTimeout(this.#stallTimeoutMs);
    let next =
      start < end ? this.#blocks.take(file, Math.floor(start / blockSizeBytes)) : undefined;
    for (let position = start; next !== undefined; ) {
      const block = await next;
      const first = position % blockSizeBytes;
      const bytes = block.bytes.subarray(first, first + end - position);
      position += bytes.length;
      next = position < end ? this.#blocks.take(file, position / blockSizeBytes) : undefined;
      // The error is handled when the block is needed.
      next?.catch(() => {});
      await write(response, bytes);
      block.release();
      if (!response.destroyed) continue;
      await next?.then((unused) => unused.release());
      return;
    }
    response.end();
  }
}

/** Undefined if a file of a release is gone; the release may be republished at this moment. */
async function openFile({ path, identity }: ServedFile): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (identity !== undefined && systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @returns false if the answer is already complete */
function prepareAnswer(
  response: ServerResponse,
  { status, headers, stats }: AnswerHead,
  { name }: ServedFile,
  etag: string,
): boolean {
  if (stats === undefined) {
    const contentRange = headers["Content-Range"];
    if (contentRange !== undefined) response.setHeader("Content-Range", contentRange);
    if (status === 404) sendReplaced(response);
    else sendText(response, status, "text/plain", `${STATUS_CODES[status]}.\n`);
    return false;
  }
  response.statusCode = status;
  for (const [header, value] of Object.entries(headers)) response.setHeader(header, value);
  response.setHeader("ETag", etag);
  if (status === 304) {
    response.end();
    return false;
  }
  response.setHeader("Content-Type", contentTypes[extname(name)] ?? "application/octet-stream");
  return true;
}

/** Soon, the server knows the new file, or the URL is no longer valid. */
function sendReplaced(response: ServerResponse): void {
  response.setHeader("Retry-After", retryAfterSeconds);
  sendText(response, 503, "text/plain", "The files of this release are being replaced.\n");
}

/** Waits until the system has the bytes, or the client is gone. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      response.off("close", done);
      resolve();
    };
    // If the connection ends, the callback of `write` is not called for what is still buffered.
    response.once("close", done);
    response.write(bytes, done);
  });
}
