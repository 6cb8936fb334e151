import { createSocket, type Socket } from "node:dgram";
import { PacketError } from "../net/packet-error.js";
import { type Endpoint, onDatagram, skipLookup } from "../net/udp-socket.js";
import { BusyPoll } from "./busy-poll.js";
import type { FileWindow } from "./file-window.js";
import { defaultTimeoutMs, type NegotiatedOptions } from "./negotiation.js";
import {
  dataHeaderBytes,
  errorPacket,
  optionAcknowledgement,
  parseTransferPacket,
  tftpErrorCode,
  writeDataHeader,
} from "./packet.js";

/** Shared by all transfers. */
const busyPoll = new BusyPoll();

/** The number of times to send a window without an answer before giving up. */
const maxTries = 6;

/**
 * - `complete`: the client acknowledged the last block
 * - `declined`: the client ended the transfer, for example because it only wanted the size
 * - `timeout`: the client stopped answering
 */
export type TransferOutcome =
  | { readonly kind: "complete" }
  | { readonly kind: "declined"; readonly message: string }
  | { readonly kind: "timeout" };

/**
 * Sends one file from a separate port (RFC 1350), in windows of blocks (RFC 7440). It never resends a
 * block for a duplicate acknowledgement: that would double every following block (RFC 1123, section
 * 4.2.3.1).
 */
export class Transfer {
  readonly #socket: Socket;
  readonly #file: FileWindow;
  readonly #size: number;
  readonly #peer: Endpoint;
  readonly #options: NegotiatedOptions;
  #finish: (outcome: TransferOutcome) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  /** Number of blocks that the client has. Blocks are numbered from 1. */
  #acknowledged = 0;
  #isWaitingForOptions: boolean;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  #tries = 0;
  #wasAnswered = false;
  #isOver = false;
  #isReading = false;
  /** Reused for each block, because allocating a buffer per block keeps the garbage collector busy. */
  #packet: Buffer;

  constructor(file: FileWindow, peer: Endpoint, options: NegotiatedOptions) {
    this.#socket = createSocket({ type: "udp4", lookup: skipLookup });
    this.#file = file;
    this.#size = file.size;
    this.#peer = peer;
    this.#options = options;
    this.#isWaitingForOptions = options.acknowledged.size > 0;
    this.#packet = newPacket(options.blockSize);
  }

  /**
   * @param address the address of this server that the client sent its request to
   * @throws the errors of the socket and the file
   */
  async run(address: string): Promise<TransferOutcome> {
    const outcome = new Promise<TransferOutcome>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    outcome.catch(() => {});
    this.#socket.on("error", (error) => this.#fail(error));
    onDatagram(this.#socket, (bytes, from) => this.#receive(bytes, from));
    busyPoll.enter();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#socket.once("error", reject).bind({ address, port: 0 }, resolve);
      });
      this.#send();
      return await outcome;
    } finally {
      this.#isOver = true;
      busyPoll.leave();
      clearTimeout(this.#timer);
      this.#socket.close();
    }
  }

  /** True if the client has never answered, although the first packet was sent more than once. */
  get isUnheard(): boolean {
    return !this.#wasAnswered && this.#tries > 1;
  }

  /** Ends the transfer without telling the client. */
  giveUp(): void {
    this.#finish({ kind: "timeout" });
  }

  /** Ends the transfer and tells the client. */
  abort(): void {
    this.#reply(errorPacket(tftpErrorCode.undefined, "the server is stopping"));
    this.giveUp();
  }

  /** The last block is shorter than the others; it is empty if the size is a multiple. */
  get #lastBlock(): number {
    return Math.floor(this.#size / this.#options.blockSize) + 1;
  }

  #receive(bytes: Buffer, from: Endpoint): void {
    if (from.address !== this.#peer.address || from.port !== this.#peer.port) {
      // RFC 1350, section 4: tell the stray sender, and continue the transfer.
      const stray = errorPacket(
        tftpErrorCode.unknownTransfer,
        "this transfer belongs to another client",
      );
      this.#socket.send(stray, from.port, from.address, () => {});
      return;
    }
    try {
      const packet = parseTransferPacket(bytes);
      this.#wasAnswered = true;
      if (packet.kind === "error") {
        this.#finish({ kind: "declined", message: packet.message });
      } else {
        this.#acknowledge(packet.block);
      }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#reply(errorPacket(tftpErrorCode.illegalOperation, error.message));
    }
  }

  #acknowledge(block: number): void {
    if (this.#isWaitingForOptions) {
      if (block !== 0) return;
      this.#isWaitingForOptions = false;
    } else {
      const advance = (block - (this.#acknowledged % 65536) + 65536) % 65536;
      // A duplicate, or an old acknowledgement.
      if (advance === 0 || advance > this.#options.windowSize) return;
      this.#acknowledged += advance;
    }
    this.#tries = 0;
    if (this.#acknowledged >= this.#lastBlock) this.#finish({ kind: "complete" });
    else this.#send();
    busyPoll.extend();
  }

  #send(): void {
    this.#tries += 1;
    if (this.#tries > maxTries) {
      this.giveUp();
      return;
    }
    // Use the negotiated timeout only after the client has acknowledged it: a forged request could
    // ask for a long one.
    const timeoutMs = this.#isWaitingForOptions ? defaultTimeoutMs : this.#options.timeoutMs;
    this.#startTimer(timeoutMs * this.#tries);
    if (this.#isWaitingForOptions) {
      this.#reply(optionAcknowledgement(this.#options.acknowledged));
    } else {
      this.#sendWindow();
    }
  }

  /** Reuses the timer if possible, because each acknowledgement starts it again. */
  #startTimer(durationMs: number): void {
    if (this.#timer !== undefined && this.#timerMs === durationMs) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#timerMs = durationMs;
    this.#timer = setTimeout(() => this.#send(), durationMs);
  }

  #sendWindow(): void {
    const { blockSize, windowSize } = this.#options;
    const start = this.#acknowledged * blockSize;
    const end = Math.min(start + windowSize * blockSize, this.#size);
    if (this.#file.holds(start, end)) {
      const count = Math.min(windowSize, this.#lastBlock - this.#acknowledged);
      for (let index = 0; index < count; index += 1) this.#sendBlock(this.#acknowledged + index);
    } else if (!this.#isReading) {
      this.#isReading = true;
      this.#file.fetch(start, end).then(
        () => {
          this.#isReading = false;
          // An acknowledgement may have moved the window meanwhile.
          if (!this.#isOver) this.#sendWindow();
        },
        (error: unknown) => this.#fail(error),
      );
    }
  }

  /** @param index counts from 0, unlike block numbers */
  #sendBlock(index: number): void {
    const { blockSize } = this.#options;
    const start = index * blockSize;
    const length = Math.min(blockSize, this.#size - start);
    const packet = this.#packet.subarray(0, dataHeaderBytes + length);
    writeDataHeader(packet, index + 1);
    this.#file.copy(start, packet.subarray(dataHeaderBytes));
    this.#reply(packet);
    // The kernel has copied the packet, unless the packet waits in Node's queue.
    if (this.#socket.getSendQueueCount() > 0) this.#packet = newPacket(blockSize);
  }

  /** Sends without a callback, which ignores errors: lost packets are sent again. */
  #reply(bytes: Buffer): void {
    this.#socket.send(bytes, this.#peer.port, this.#peer.address);
  }
}

function newPacket(blockSize: number): Buffer {
  return Buffer.allocUnsafeSlow(dataHeaderBytes + blockSize);
}
