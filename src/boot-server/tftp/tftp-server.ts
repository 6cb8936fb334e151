import type { Socket } from "node:dgram";
import { open } from "node:fs/promises";
import { BlockCache } from "../files/block-cache.js";
import { fileIdentity } from "../files/file-identity.js";
import { PacketError } from "../net/packet-error.js";
import { RateLimit } from "../net/rate-limit.js";
import { sourceAddressFor } from "../net/source-address.js";
import { adoptUdp, bindUdp, onDatagram } from "../net/udp-socket.js";
import { FileWindow } from "./file-window.js";
import { negotiate } from "./negotiation.js";
import { errorCode, errorPacket, parseRequest, type ReadRequest } from "./packet.js";
import { type Peer, Transfer, type TransferOutcome } from "./transfer.js";

/** Transfers at the same time; further requests are dropped, and clients ask again. */
const maxTransfers = 200;
/** Blocks of boot programs that are kept, 1 MiB each. */
const mostBlocks = 16;
/** Characters of a name that nothing is called that are told of. */
const maxLoggedNameLength = 200;
/** Of one client. */
const mostOfOneClient = 8;

/** Requests of one client; firmware asks for a few files, each once or twice. */
const usualRate = { burst: 100, perSecond: 20 };

export interface TftpServerOptions {
  /** The files there are, by the names that clients ask for. Nothing else is ever opened. */
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

/** A transfer, from the request on; its file is being opened while `transfer` is undefined. */
interface UnderWay {
  readonly client: string;
  transfer: Transfer | undefined;
}

/** Serves files of a fixed map, read only (RFC 1350). */
export class TftpServer {
  readonly #options: TftpServerOptions;
  readonly #sockets: Socket[] = [];
  /** Those that began first come first. */
  readonly #underWay = new Set<UnderWay>();
  /** No more requests are taken. */
  #isClosed = false;
  /** No more blocks are sent. */
  #isStopped = false;
  /** Told of the end of each transfer. */
  #onEnded: () => void = () => {};
  readonly #rate = new RateLimit(usualRate);
  readonly #blocks = new BlockCache(mostBlocks);

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
   * Takes a socket that is bound already, to one address or to all.
   * @param fd its descriptor
   * @throws the error of taking it
   */
  async adopt(fd: number): Promise<void> {
    const socket = await adoptUdp(fd);
    this.#sockets.push(socket);
    const { address } = socket.address();
    // Which address a datagram came to is not told: clients are answered by the way back to them.
    const addressFor = (from: Peer) =>
      address === "0.0.0.0" ? sourceAddressFor(from.address) : Promise.resolve(address);
    onDatagram(socket, (bytes, from) => this.#receive(bytes, from, () => addressFor(from), socket));
  }

  /**
   * Takes no more requests; transfers that run have some time to end. Clients of those that are left
   * then are told.
   * @param grace milliseconds
   */
  async close(grace: number): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.close();
    const timer = setTimeout(() => this.#abortAll(), grace);
    await new Promise<void>((resolve) => {
      this.#onEnded = () => {
        if (this.#underWay.size === 0) resolve();
      };
      this.#onEnded();
    });
    clearTimeout(timer);
  }

  #abortAll(): void {
    this.#isStopped = true;
    for (const { transfer } of this.#underWay) transfer?.abort();
  }

  #receive(bytes: Buffer, from: Peer, address: () => Promise<string>, socket: Socket): void {
    if (!this.#rate.admits(from.address)) return;
    const answer = (code: number, message: string) => {
      if (this.#isClosed) return;
      socket.send(errorPacket(code, message), from.port, from.address, () => {});
    };
    try {
      const request = parseRequest(bytes);
      if (request.kind === "write")
        answer(errorCode.accessViolation, "nothing can be written here");
      else {
        this.#serve(request, from, address, answer).catch(() =>
          answer(errorCode.undefined, "this server failed"),
        );
      }
    } catch (error) {
      // What is no request gets no answer: it may be an answer itself.
      if (!(error instanceof PacketError)) throw error;
    }
  }

  async #serve(
    { name, mode, options }: ReadRequest,
    peer: Peer,
    address: () => Promise<string>,
    answer: (code: number, message: string) => void,
  ): Promise<void> {
    const client = peer.address;
    const refuse = (code: number, reason: string) => {
      answer(code, reason);
      const shown = name.slice(0, maxLoggedNameLength);
      this.#options.onEvent({ type: "refused", client, name: shown, reason });
    };
    if (mode !== "octet") return refuse(errorCode.illegalOperation, "only mode octet is served");
    if (isSuspicious(name)) return refuse(errorCode.accessViolation, "no such name is served");
    const path = this.#options.find(name, client);
    if (path === undefined) return refuse(errorCode.notFound, "there is no such file");
    if (this.#isBusy(client)) return;
    if (this.#underWay.size >= maxTransfers && !this.#makeRoom()) return;
    const own: UnderWay = { client, transfer: undefined };
    this.#underWay.add(own);
    try {
      await this.#transfer(own, name, path, peer, await address(), options);
    } catch {
      refuse(errorCode.undefined, "the file cannot be read");
    } finally {
      this.#underWay.delete(own);
      this.#onEnded();
    }
  }

  #isBusy(client: string): boolean {
    const own = [...this.#underWay].filter((other) => other.client === client).length;
    return own >= mostOfOneClient;
  }

  /**
   * Gives up the oldest transfer whose client had its time to answer and did not: its sender may be
   * forged. Without a word, as firmware that is told of an error asks no more.
   */
  #makeRoom(): boolean {
    for (const own of this.#underWay) {
      if (own.transfer?.isUnheard !== true) continue;
      own.transfer.giveUp();
      this.#underWay.delete(own);
      return true;
    }
    return false;
  }

  async #transfer(
    own: UnderWay,
    name: string,
    path: string,
    peer: Peer,
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
      const transfer = new Transfer(file, peer, negotiate(requested, size));
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

/** Names that no client has reason to ask for: the answer tells them apart in a log. */
function isSuspicious(name: string): boolean {
  return name.includes("..") || name.includes("\\") || name.startsWith("//") || name.includes("\0");
}
