import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, ListenOptions, Socket } from "node:net";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FileRole, ServedFile } from "../files/served-file.js";
import { AdmissionQueue } from "./admission-queue.js";
import { sendText } from "./end-with-text.js";
import { FileSender } from "./file-sender.js";
import { defaultStallTimeoutMs, withSlot } from "./with-slot.js";

const connectionOptions = {
  /** Milliseconds that a client has for the head of a request. */
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  /** Also a client that waits for its turn is asked whether it is there, after milliseconds. */
  keepAlive: true,
  keepAliveInitialDelay: 10_000,
};

/** Requests on one connection that wait for their turn. */
const maxPipelinedRequests = 32;
/** Characters of what somebody asked for that are told of. */
const maxLoggedNameLength = 200;

/** Large transfers at once, if nothing else is said. */
export const defaultMaxTransfers = 16;

/** What an address holds. */
export type Resource =
  | {
      readonly kind: "text";
      /** In words for a log: never a secret. */
      readonly name: string;
      /** Undefined for what is not on a machine's way. */
      readonly role?: FileRole;
      readonly type: string;
      readonly text: string;
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly mac?: string | undefined;
    }
  | {
      readonly kind: "file";
      readonly file: ServedFile;
      /** The machine that was given the address; undefined where that does not say. */
      readonly mac?: string | undefined;
    }
  /** What comes from elsewhere. */
  | {
      readonly kind: "stream";
      readonly name: string;
      readonly role: FileRole | undefined;
      /** Bytes of the whole; 0 where that is not known. */
      readonly size: number;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Readable;
    };

export interface HttpRequest {
  /** Decoded; begins with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly method: string;
  /** As it was sent (RFC 9110, section 14.2). */
  readonly range: string | undefined;
  readonly client: string;
  /** `http://ADDRESS:PORT` of this server as the client reaches it. `Host` is not asked. */
  readonly base: string;
}

export interface HttpServerOptions {
  /** What there is at an address; undefined for nothing. */
  find(request: HttpRequest): Resource | undefined | Promise<Resource | undefined>;
  /** An answer begins; `onEnd` is told of the same one. */
  onStart?(transfer: HttpTransfer): void;
  onEnd(transfer: HttpTransfer, outcome: HttpOutcome): void;
  /** An answer failed for a reason that is not its client's. */
  onError?(error: unknown): void;
  /** Large transfers at once; the others wait for their turn. */
  readonly maxTransfers?: number;
  /** Milliseconds without a byte taken after which a client is given up. */
  readonly stallTimeoutMs?: number;
}

/** An answer on its way. */
export interface HttpTransfer {
  readonly client: string;
  /** The machine that was given the address; undefined where that does not say. */
  readonly mac: string | undefined;
  readonly name: string;
  readonly role: FileRole | undefined;
  /** Bytes of all that there is at the address. */
  readonly size: number;
  readonly isHead: boolean;
  /** Bytes that were handed to the connection so far, the answer's head included. */
  readonly sent: number;
}

export interface HttpOutcome {
  readonly status: number;
  /** Bytes of the body, as announced. */
  readonly length: number;
  readonly seconds: number;
  /** False where the client went away before the end. */
  readonly isComplete: boolean;
  /** False for a range that ends before the last byte. */
  readonly reachesEnd: boolean;
}

/** Serves what machines fetch: GET and HEAD, ranges and conditions (RFC 9110). */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #servers: Server[] = [];
  readonly #turns = new WeakMap<Socket, { count: number; last: Promise<void> }>();
  readonly #admission: AdmissionQueue;
  readonly #stallTimeoutMs: number;
  readonly #files: FileSender;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#admission = new AdmissionQueue({ most: options.maxTransfers ?? defaultMaxTransfers });
    this.#stallTimeoutMs = options.stallTimeoutMs ?? defaultStallTimeoutMs;
    this.#files = new FileSender(this.#admission, this.#stallTimeoutMs);
  }

  /** @throws the error of listen: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  listen(address: string, port: number): Promise<{ port: number }> {
    return this.#listen({ host: address, port });
  }

  /**
   * Takes a socket that listens already.
   * @param fd its descriptor
   * @throws the error of taking it
   */
  adopt(fd: number): Promise<{ port: number }> {
    return this.#listen({ fd });
  }

  async #listen(place: ListenOptions & { fd?: number }): Promise<{ port: number }> {
    const server = createServer(connectionOptions, (...pair) => this.#takeTurn(...pair));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(place, resolve);
    });
    return server.address() as AddressInfo;
  }

  /**
   * Takes no more requests; those under way have some time to end.
   * @param grace milliseconds
   */
  async close(grace: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => closeServer(server, grace)));
  }

  /**
   * One answer at a time on a connection: Node never tells of the end of one that waits behind
   * another when the client goes away.
   */
  #takeTurn(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const waiting = this.#turns.get(socket) ?? { count: 0, last: Promise.resolve() };
    if (waiting.count >= maxPipelinedRequests) {
      socket.destroy();
      return;
    }
    waiting.count += 1;
    waiting.last = waiting.last.then(async () => {
      if (!socket.destroyed) await this.#answerWhole(request, response);
      waiting.count -= 1;
    });
    this.#turns.set(socket, waiting);
  }

  /** Never fails, and ends when the answer did. */
  async #answerWhole(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = new Promise((resolve) => {
      response.once("close", resolve);
    });
    try {
      await this.#answer(request, response);
    } catch (error) {
      // Who went away needs no answer, and is no reason to tell anybody.
      if (!request.socket.destroyed) this.#options.onError?.(error);
      if (!response.headersSent) sendText(response, 500, "text/plain", "The server failed.\n");
      else response.destroy();
    }
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      sendText(response, 405, "text/plain", "Only GET and HEAD are served.\n");
      return;
    }
    const parsed = parseRequest(request);
    if (parsed === undefined) {
      sendText(response, 400, "text/plain", "Bad request.\n");
      return;
    }
    const resource = (await this.#options.find(parsed)) ?? nothingAt(parsed.path);
    if (request.socket.destroyed) {
      if (resource.kind === "stream") resource.body.destroy();
      return;
    }
    this.#watch(request, response, parsed, resource);
    if (resource.kind === "file") {
      await this.#files.send(request, response, resource.file);
    } else if (resource.kind === "stream") {
      await this.#sendStream(request, response, resource);
    } else {
      for (const header of Object.entries(resource.headers ?? {})) response.setHeader(...header);
      sendText(response, resource.status ?? 200, resource.type, resource.text);
    }
  }

  async #sendStream(
    request: IncomingMessage,
    response: ServerResponse,
    { status, headers, body }: Extract<Resource, { kind: "stream" }>,
  ): Promise<void> {
    // One that fails while its turn is waited for is looked at then.
    body.on("error", () => {});
    const announced = headers["content-length"];
    const known = announced === undefined ? undefined : Number(announced);
    const length = request.method === "HEAD" ? 0 : known;
    try {
      await withSlot(this.#admission, request, response, length, async () => {
        if (body.destroyed) {
          const text = "The server that has this file gave up.\n";
          return sendText(response, 502, "text/plain", text);
        }
        response.writeHead(status, headers);
        response.setTimeout(this.#stallTimeoutMs);
        await pipeline(body, response);
      });
    } finally {
      body.destroy();
    }
  }

  #watch(
    { socket, method }: IncomingMessage,
    response: ServerResponse,
    { client }: HttpRequest,
    resource: Resource,
  ): void {
    const start = performance.now();
    const before = socket.bytesWritten;
    const isFile = resource.kind === "file";
    const transfer: HttpTransfer = {
      client,
      mac: resource.kind === "stream" ? undefined : resource.mac,
      name: isFile ? resource.file.name : resource.name,
      role: isFile ? resource.file.role : resource.role,
      size: sizeOf(resource),
      isHead: method === "HEAD",
      get sent() {
        return Math.max(0, socket.bytesWritten - before);
      },
    };
    this.#options.onStart?.(transfer);
    response.on("close", () => {
      this.#options.onEnd(transfer, {
        status: response.statusCode,
        length: Number(response.getHeader("Content-Length") ?? 0),
        seconds: (performance.now() - start) / 1000,
        isComplete: response.writableFinished,
        reachesEnd: response.statusCode !== 206 || reachesEnd(response),
      });
    });
  }
}

function sizeOf(resource: Resource): number {
  if (resource.kind === "file") return resource.file.size;
  return resource.kind === "stream" ? resource.size : Buffer.byteLength(resource.text);
}

/** By `Content-Range: bytes FIRST-LAST/SIZE` (RFC 9110, section 14.4). */
function reachesEnd(response: ServerResponse): boolean {
  const range = /-(\d+)\/(\d+)$/.exec(String(response.getHeader("Content-Range")));
  return range !== null && Number(range[1]) + 1 === Number(range[2]);
}

function nothingAt(path: string): Resource {
  const text = "There is no such file.\n";
  const name = path.length > maxLoggedNameLength ? `${path.slice(0, maxLoggedNameLength)}…` : path;
  return { kind: "text", name, type: "text/plain", text, status: 404 };
}

function parseRequest(request: IncomingMessage): HttpRequest | undefined {
  const { localAddress, localPort, remoteAddress } = request.socket;
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  const [own, client] = [localAddress, remoteAddress].map(withoutMapping) as [string, string];
  const [target, search = ""] = (request.url ?? "").split("?", 2) as [string, string?];
  const path = decoded(target);
  if (path === undefined) return undefined;
  return {
    path,
    query: new URLSearchParams(search),
    method: request.method ?? "GET",
    range: request.headers.range,
    client,
    base: `http://${own}:${localPort}`,
  };
}

/** A socket for IPv6 and IPv4 has `::ffff:` before addresses of the latter (RFC 4291, 2.5.5.2). */
function withoutMapping(address: string): string {
  return address.replace(/^::ffff:/, "");
}

/** Double slashes are read as one: shim asks so. */
function decoded(target: string): string | undefined {
  try {
    const path = decodeURIComponent(target);
    return path.startsWith("/") ? path.replace(/\/{2,}/g, "/") : undefined;
  } catch {
    return undefined;
  }
}

async function closeServer(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(timer);
}
