import { createSocket, type Socket } from "node:dgram";
import type { FileHandle } from "node:fs/promises";
import { PacketError } from "../packet-error.js";
import type { TransferOptions } from "./options.js";
import {
  dataPacket,
  errorCode,
  errorPacket,
  optionAcknowledgement,
  parseTransferPacket,
} from "./packet.js";

/** Times that a window is sent without an answer before the client is given up. */
const mostTries = 6;

export interface Peer {
  readonly address: string;
  readonly port: number;
}

/**
 * - `complete`: the client acknowledged the last block
 * - `declined`: the client ended it, as one does that only asked for the size
 * - `timeout`: the client is not heard from any more
 */
export type TransferOutcome =
  | { readonly kind: "complete" }
  | { readonly kind: "declined"; readonly message: string }
  | { readonly kind: "timeout" };

/**
 * Sends one file (RFC 1350), from a port of its own. Blocks go out window by window (RFC 7440); a
 * duplicate acknowledgement is never answered with the block again, which would double every block
 * that follows (RFC 1123, section 4.2.3.1).
 */
export class Transfer {
  readonly #socket: Socket;
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #peer: Peer;
  readonly #options: TransferOptions;
  #finish: (outcome: TransferOutcome) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  /** Blocks that the client has; block n holds the n-th `blockSize` bytes, from 1. */
  #acknowledged = 0;
  #isWaitingForOptions: boolean;
  #timer: NodeJS.Timeout | undefined;
  #tries = 0;
  /** Windows are read one at a time, into the same memory. */
  readonly #buffer: Buffer;
  #isReading = false;
  #isStale = false;

  constructor(file: FileHandle, size: number, peer: Peer, options: TransferOptions) {
    this.#socket = createSocket("udp4");
    this.#file = file;
    this.#size = size;
    this.#peer = peer;
    this.#options = options;
    this.#isWaitingForOptions = options.acknowledged.size > 0;
    this.#buffer = Buffer.allocUnsafeSlow(options.blockSize * options.windowSize);
  }

  /**
   * @param address the address of this server that the client asked
   * @throws the errors of the socket and the file
   */
  async run(address: string): Promise<TransferOutcome> {
    const outcome = new Promise<TransferOutcome>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    outcome.catch(() => {});
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("message", (bytes, from) => this.#receive(bytes, from));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#socket.once("error", reject).bind({ address, port: 0 }, resolve);
      });
      this.#send();
      return await outcome;
    } finally {
      clearTimeout(this.#timer);
      this.#socket.close();
    }
  }

  /** Ends it, and tells the client. */
  abort(): void {
    this.#reply(errorPacket(errorCode.undefined, "the server stops"));
    this.#finish({ kind: "timeout" });
  }

  /** The last block is shorter than the others, and empty where the size is a multiple. */
  get #lastBlock(): number {
    return Math.floor(this.#size / this.#options.blockSize) + 1;
  }

  #receive(bytes: Buffer, from: Peer): void {
    if (from.address !== this.#peer.address || from.port !== this.#peer.port) {
      // RFC 1350, section 4: the one who strayed is told, the transfer goes on.
      const stray = errorPacket(errorCode.unknownTransfer, "this transfer is another's");
      this.#socket.send(stray, from.port, from.address, () => {});
      return;
    }
    try {
      const packet = parseTransferPacket(bytes);
      if (packet.kind === "error") {
        this.#finish({ kind: "declined", message: packet.message });
      } else {
        this.#acknowledge(packet.block);
      }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#reply(errorPacket(errorCode.illegalOperation, error.message));
    }
  }

  #acknowledge(block: number): void {
    if (this.#isWaitingForOptions) {
      if (block !== 0) return;
      this.#isWaitingForOptions = false;
    } else {
      const advance = (block - (this.#acknowledged % 65536) + 65536) % 65536;
      // A duplicate, or one from long ago.
      if (advance === 0 || advance > this.#options.windowSize) return;
      this.#acknowledged += advance;
    }
    this.#tries = 0;
    if (this.#acknowledged >= this.#lastBlock) this.#finish({ kind: "complete" });
    else this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#tries += 1;
    if (this.#tries > mostTries) {
      this.#finish({ kind: "timeout" });
      return;
    }
    this.#timer = setTimeout(() => this.#send(), this.#options.timeout * this.#tries);
    if (this.#isWaitingForOptions) {
      this.#reply(optionAcknowledgement(this.#options.acknowledged));
    } else {
      this.#sendWindow().catch((error: unknown) => this.#fail(error));
    }
  }

  async #sendWindow(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isStale) {
      this.#isStale = false;
      const first = this.#acknowledged;
      const bytes = await this.#readWindow(first);
      // An acknowledgement came meanwhile: another window is wanted.
      if (!this.#isStale) this.#sendBlocks(first, bytes);
    }
    this.#isReading = false;
  }

  #readWindow(first: number): Promise<Buffer> {
    const start = first * this.#options.blockSize;
    return this.#read(start, Math.min(this.#buffer.length, this.#size - start));
  }

  #sendBlocks(first: number, bytes: Buffer): void {
    const { blockSize, windowSize } = this.#options;
    const count = Math.min(windowSize, this.#lastBlock - first);
    for (let index = 0; index < count; index += 1) {
      const block = bytes.subarray(index * blockSize, (index + 1) * blockSize);
      this.#reply(dataPacket(first + index + 1, block));
    }
  }

  async #read(start: number, length: number): Promise<Buffer> {
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file.read(this.#buffer, done, length - done, start + done);
      if (bytesRead === 0) throw new Error("the file became shorter while it was sent");
      done += bytesRead;
    }
    return this.#buffer.subarray(0, length);
  }

  #reply(bytes: Buffer): void {
    this.#socket.send(bytes, this.#peer.port, this.#peer.address, () => {});
  }
}
