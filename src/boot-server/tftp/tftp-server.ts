import type { Socket } from "node:dgram";
import { open } from "node:fs/promises";
import { BlockCache } from "../files/block-cache.js";
import { fileIdentity } from "../files/file-identity.js";
import { mtuOf } from "../net/interfaces.js";
import { PacketError } from "../net/packet-error.js";
import { RateLimit } from "../net/rate-limit.js";
import { sourceAddressFor } from "../net/source-address.js";
import { adoptUdp, bindUdp, type Endpoint, onDatagram } from "../net/udp-socket.js";
import { FileWindow } from "./file-window.js";
import { negotiate } from "./negotiation.js";
import { errorPacket, parseRequest, type ReadRequest, tftpErrorCode } from "./packet.js";
import { Transfer, type TransferOutcome } from "./transfer.js";

/** The server drops requests beyond this number of concurrent transfers; clients ask again. */
const maxTransfers = 200;
/** Blocks of boot programs to cache, of 1 MiB each. */
const maxCachedBlocks = 16;
/** The part of a missing file's name that events show. */
const maxLoggedNameLength = 200;
/** Concurrent transfers of one client. */
const maxTransfersPerClient = 8;

/** The rate of one client: firmware requests a few files, each once or twice. */
const rateLimit = { burst: 100, perSecond: 20 };

export interface TftpServerOptions {
  /** The path of the file with this name, if there is one. The server opens nothing else. */
  find(name: string, client: string): string | undefined;
  onEvent(event: TftpEvent): void;
}

export type TftpEvent =
  | {
      readonly type: "started";
      readonly client: string;
      readonly name: string;
      readonly size: number;
    }
  | {
      readonly type: "ended";
      readonly client: string;
      readonly name: string;
      readonly size: number;
      readonly outcome: TransferOutcome;
      readonly seconds: number;
    }
  | {
      readonly type: "refused";
      readonly client: string;
      readonly name: string;
      readonly reason: string;
    };

/** A transfer from its request on; `transfer` is undefined until the file is open. */
interface ActiveTransfer {
  readonly client: string;
  transfer: Transfer | undefined;
}

/** Serves a fixed set of files, read-only (RFC 1350). */
export class TftpServer {
  readonly #options: TftpServerOptions;
  readonly #sockets: Socket[] = [];
  /** In the order in which they began. */
  readonly #active = new Set<ActiveTransfer>();
  /** The server accepts no more requests. */
  #isClosed = false;
  /** The server sends no more blocks. */
  #isStopped = false;
  /** Called at the end of each transfer. */
  #onEnded: () => void = () => {};
  readonly #rate = new RateLimit(rateLimit);
  readonly #blocks = new BlockCache(maxCachedBlocks);

  constructor(options: TftpServerOptions) {
    this.#options = options;
  }

  /** @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  async listen(address: string, port = 69): Promise<{ port: number }> {
    const socket = await bindUdp(address, port);
    this.#sockets.push(socket);
    onDatagram(socket, (bytes, from) => this.#receive(bytes, from, async () => address, socket));
    return socket.address();
  }

  /**
   * Uses a socket from systemd, which is bound to one address or to all.
   * @param fd its file descriptor
   * @throws the error of bind
   */
  async adopt(fd: number): Promise<void> {
    const socket = await adoptUdp(fd);
    this.#sockets.push(socket);
    const { address } = socket.address();
    // Node does not tell which address a datagram came to: use the address on the route to the client.
    const addressFor = (from: Endpoint) =>
      address === "0.0.0.0" ? sourceAddressFor(from.address) : Promise.resolve(address);
    onDatagram(socket, (bytes, from) => this.#receive(bytes, from, () => addressFor(from), socket));
  }

  /**
   * Stops accepting requests, waits for the active transfers, and aborts those that take too long.
   * @param graceMs the time that transfers have to end
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.close();
    const timer = setTimeout(() => this.#abortAll(), graceMs);
    await new Promise<void>((resolve) => {
      this.#onEnded = () => {
        if (this.#active.size === 0) resolve();
      };
      this.#onEnded();
    });
    clearTimeout(timer);
  }

  #abortAll(): void {
    this.#isStopped = true;
    for (const { transfer } of this.#active) transfer?.abort();
  }

  #receive(bytes: Buffer, from: Endpoint, address: () => Promise<string>, socket: Socket): void {
    if (!this.#rate.admits(from.address)) return;
    const sendError = (code: number, message: string) => {
      if (this.#isClosed) return;
      socket.send(errorPacket(code, message), from.port, from.address, () => {});
    };
    try {
      const request = parseRequest(bytes);
      if (request.kind === "write")
        sendError(tftpErrorCode.accessViolation, "this server is read-only");
      else {
        this.#serve(request, from, address, sendError).catch(() =>
          sendError(tftpErrorCode.undefined, "this server failed"),
        );
      }
    } catch (error) {
      // Do not answer malformed packets: one may be an answer itself.
      if (!(error instanceof PacketError)) throw error;
    }
  }

  async #serve(
    { name, mode, options }: ReadRequest,
    peer: Endpoint,
    address: () => Promise<string>,
    sendError: (code: number, message: string) => void,
  ): Promise<void> {
    const client = peer.address;
    const refuse = (code: number, reason: string) => {
      sendError(code, reason);
      const shown = name.slice(0, maxLoggedNameLength);
      this.#options.onEvent({ type: "refused", client, name: shown, reason });
    };
    if (mode !== "octet")
      return refuse(tftpErrorCode.illegalOperation, "this server supports only mode octet");
    if (isSuspicious(name))
      return refuse(tftpErrorCode.accessViolation, "this name is not allowed");
    const path = this.#options.find(name, client);
    if (path === undefined) return refuse(tftpErrorCode.notFound, "there is no such file");
    if (this.#isBusy(client)) return;
    if (this.#active.size >= maxTransfers && !this.#makeRoom()) return;
    const own: ActiveTransfer = { client, transfer: undefined };
    this.#active.add(own);
    try {
      await this.#transfer(own, name, path, peer, await address(), options);
    } catch {
      refuse(tftpErrorCode.undefined, "the file cannot be read");
    } finally {
      this.#active.delete(own);
      this.#onEnded();
    }
  }

  #isBusy(client: string): boolean {
    const own = [...this.#active].filter((other) => other.client === client).length;
    return own >= maxTransfersPerClient;
  }

  /**
   * Abandons the oldest transfer whose client had enough time to answer but did not: the request may
   * have a forged sender. Sends no error, because firmware does not ask again after an error.
   */
  #makeRoom(): boolean {
    for (const own of this.#active) {
      if (own.transfer?.isUnheard !== true) continue;
      own.transfer.giveUp();
      this.#active.delete(own);
      return true;
    }
    return false;
  }

  async #transfer(
    own: ActiveTransfer,
    name: string,
    path: string,
    peer: Endpoint,
    address: string,
    requested: ReadonlyMap<string, string>,
  ): Promise<void> {
    const { client } = own;
    const handle = await open(path);
    try {
      const stats = await handle.stat();
      const { size } = stats;
      if (this.#isStopped) return;
      const file = new FileWindow({ handle, size, identity: fileIdentity(stats) }, this.#blocks);
      const transfer = new Transfer(file, peer, negotiate(requested, size, mtuOf(address)));
      own.transfer = transfer;
      this.#options.onEvent({ type: "started", client, name, size });
      try {
        const start = performance.now();
        const outcome = await transfer.run(address);
        const seconds = (performance.now() - start) / 1000;
        this.#options.onEvent({ type: "ended", client, name, size, outcome, seconds });
      } finally {
        await file.close();
      }
    } finally {
      await handle.close();
    }
  }
}

/** Names that only an attacker asks for. A separate error makes them visible in the log. */
function isSuspicious(name: string): boolean {
  return name.includes("..") || name.includes("\\") || name.includes("\0");
}
