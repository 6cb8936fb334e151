import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, ListenOptions } from "node:net";
import { AdmissionQueue } from "./admission-queue.js";
import { FileSender } from "./file-sender.js";
import { type HttpOutcome, type HttpTransfer, watchTransfer } from "./http-transfer.js";
import { parseRequest } from "./parse-request.js";
import { RequestTurns } from "./request-turns.js";
import { type BootHttpRequest, notFound, type Resource } from "./resource.js";
import { sendText } from "./send-text.js";
import { StreamSender } from "./stream-sender.js";

const connectionOptions = {
  /** Milliseconds until the header of a request must be complete. */
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  /** TCP also probes clients that wait for a slot, after this many milliseconds. */
  keepAlive: true,
  keepAliveInitialDelay: 10_000,
};

export const defaultMaxTransfers = 16;

/** A client that accepts no bytes for this long is disconnected. */
const defaultStallTimeoutMs = 60_000;

export interface HttpServerOptions {
  /** Maps a URL to a resource; undefined if there is none. */
  find(request: BootHttpRequest): Resource | undefined | Promise<Resource | undefined>;
  /** An answer begins. `onEnd` receives the same object. */
  onStart?(transfer: HttpTransfer): void;
  onEnd(transfer: HttpTransfer, outcome: HttpOutcome): void;
  /** An answer failed, and the client is not to blame. */
  onError?(error: unknown): void;
  /** Maximum number of concurrent large transfers. */
  readonly maxTransfers?: number;
  readonly stallTimeoutMs?: number;
}

/** Serves what machines fetch: GET and HEAD, ranges and conditional requests (RFC 9110). */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #servers: Server[] = [];
  readonly #turns = new RequestTurns();
  readonly #files: FileSender;
  readonly #streams: StreamSender;

  constructor(options: HttpServerOptions) {
    const { maxTransfers = defaultMaxTransfers, stallTimeoutMs = defaultStallTimeoutMs } = options;
    const admission = new AdmissionQueue({ maxTransfers });
    this.#options = options;
    this.#files = new FileSender(admission, stallTimeoutMs);
    this.#streams = new StreamSender(admission, stallTimeoutMs);
  }

  /** @throws the error of listen: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  listen(address: string, port: number): Promise<{ port: number }> {
    return this.#listen({ host: address, port });
  }

  /**
   * Uses a socket that is already listening.
   * @param fd its descriptor
   * @throws the error of using it
   */
  adopt(fd: number): Promise<{ port: number }> {
    return this.#listen({ fd });
  }

  async #listen(place: ListenOptions & { fd?: number }): Promise<{ port: number }> {
    const server = createServer(connectionOptions, (request, response) =>
      this.#turns.add(request, () => this.#answer(request, response)),
    );
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(place, resolve);
    });
    return server.address() as AddressInfo;
  }

  /** Stops accepting requests. Answers that are being sent have some time to complete. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => closeServer(server, graceMs)));
  }

  /** Never fails, and ends when the answer is complete. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = new Promise((resolve) => {
      response.once("close", resolve);
    });
    try {
      await this.#send(request, response);
    } catch (error) {
      // A client that disconnected needs no answer and no log line.
      if (!request.socket.destroyed) this.#options.onError?.(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, "text/plain", "The server failed.\n");
    }
    await closed;
  }

  async #send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return sendText(response, 405, "text/plain", "Only GET and HEAD are supported.\n");
    }
    const parsed = parseRequest(request);
    if (parsed === undefined) return sendText(response, 400, "text/plain", "Bad request.\n");
    const resource = (await this.#options.find(parsed)) ?? notFound(parsed.path);
    if (request.socket.destroyed) {
      if (resource.kind === "stream") resource.body.destroy();
      return;
    }
    const transfer = watchTransfer(request, response, parsed.client, resource, (...end) =>
      this.#options.onEnd(...end),
    );
    this.#options.onStart?.(transfer);
    switch (resource.kind) {
      case "file":
        return this.#files.send(request, response, resource.file);
      case "stream":
        return this.#streams.send(request, response, resource);
      case "text":
        for (const header of Object.entries(resource.headers ?? {})) response.setHeader(...header);
        return sendText(response, resource.status ?? 200, resource.type, resource.text);
    }
  }
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
