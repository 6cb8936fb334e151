import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { extname } from "node:path";
import send from "send";
import { etagFor, type ServedFile } from "../releases.js";
import { blockSize, identityOf, type OpenFile, SharedBlocks } from "../shared-blocks.js";
import type { Admission, Later } from "./admission.js";
import { endWithText } from "./end-with-text.js";

/** Bytes from which a transfer needs a slot: below are kernels, scripts and boot programs. */
const largeFrom = 16 * 1024 * 1024;
/** Milliseconds without a byte taken after which a client is given up. */
const longestStall = 60_000;

/** EDK2 goes by these (UEFI specification, 24.7.3.1). */
const types: Readonly<Record<string, string>> = {
  ".efi": "application/efi",
  ".iso": "application/vnd.efi-iso",
};

/** Bytes `start` to `end`, the latter not included. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Answers requests for files: ranges and conditions (RFC 9110, sections 13 and 14), in turn. */
export class FileSender {
  readonly #admission: Admission;
  readonly #blocks = new SharedBlocks();

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /** @throws the errors of opening and reading; the connection is of no use then */
  async send(request: IncomingMessage, response: ServerResponse, file: ServedFile): Promise<void> {
    const handle = await open(file.path);
    try {
      const stats = await handle.stat();
      const { size } = stats;
      response.setHeader("ETag", size === file.size ? file.etag : etagFor(size, stats.mtime));
      response.setHeader("Content-Type", types[extname(file.name)] ?? "application/octet-stream");
      const range = await rangeOf(request, response, file.path, stats);
      if (range === undefined) return;
      const opened = { handle, size, identity: identityOf(stats) };
      if (range.end - range.start < largeFrom) await this.#write(response, opened, range);
      else await this.#writeInTurn(request, response, opened, range);
    } finally {
      await handle.close();
    }
  }

  async #writeInTurn(
    { socket, url }: IncomingMessage,
    response: ServerResponse,
    file: OpenFile,
    range: Range,
  ): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const turn = await this.#admission.ask(socket.remoteAddress ?? "", url ?? "", gone.signal);
    if (turn?.kind === "later") refuse(response, turn);
    if (turn?.kind !== "slot") return;
    try {
      await this.#write(response, file, range);
      await closing(response);
    } finally {
      turn.release();
    }
  }

  async #write(response: ServerResponse, file: OpenFile, { start, end }: Range): Promise<void> {
    response.setTimeout(longestStall);
    let ahead = start < end ? this.#blocks.take(file, Math.floor(start / blockSize)) : undefined;
    for (let position = start; ahead !== undefined; ) {
      const block = await ahead;
      const first = position % blockSize;
      const bytes = block.bytes.subarray(first, first + end - position);
      position += bytes.length;
      ahead = position < end ? this.#blocks.take(file, position / blockSize) : undefined;
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
      endWithText(response, status, "text/plain", `${STATUS_CODES[status]}.\n`);
      resolve(undefined);
    });
    head.pipe(response);
  });
}

function refuse(response: ServerResponse, { seconds }: Later): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.setHeader("Retry-After", seconds);
  endWithText(response, 503, "text/plain", "Many machines are fetching large files just now.\n");
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

function closing(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) resolve();
    else response.once("close", () => resolve());
  });
}
