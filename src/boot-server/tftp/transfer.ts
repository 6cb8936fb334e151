import { createSocket, type Socket } from "node:dgram";
import { PacketError } from "../net/packet-error.js";
import { onDatagram, skipLookup } from "../net/udp-socket.js";
import { BusyPoll } from "./busy-poll.js";
import type { FileWindow } from "./file-window.js";
import { defaultTimeoutMs, type NegotiatedOptions } from "./negotiation.js";
import {
  dataHeader,
  errorCode,
  errorPacket,
  optionAcknowledgement,
  parseTransferPacket,
  writeDataHeader,
} from "./packet.js";

/** Of all transfers. */
const wakefulness = new BusyPoll();

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
  readonly #file: FileWindow;
  readonly #size: number;
  readonly #peer: Peer;
  readonly #options: NegotiatedOptions;
  #finish: (outcome: TransferOutcome) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  /** Blocks that the client has; block n holds the n-th `blockSize` bytes, from 1. */
  #acknowledged = 0;
  #isWaitingForOptions: boolean;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  #tries = 0;
  #wasAnswered = false;
  #isOver = false;
  #isReading = false;
  /** The same memory for each block: much memory that is used once makes V8 look for it all the time. */
  #packet: Buffer;

  constructor(file: FileWindow, peer: Peer, options: NegotiatedOptions) {
    this.#socket = createSocket({ type: "udp4", lookup: skipLookup });
    this.#file = file;
    this.#size = file.size;
    this.#peer = peer;
    this.#options = options;
    this.#isWaitingForOptions = options.acknowledged.size > 0;
    this.#packet = newPacket(options.blockSize);
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
    onDatagram(this.#socket, (bytes, from) => this.#receive(bytes, from));
    wakefulness.enter();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#socket.once("error", reject).bind({ address, port: 0 }, resolve);
      });
      this.#send();
      return await outcome;
    } finally {
      this.#isOver = true;
      wakefulness.leave();
      clearTimeout(this.#timer);
      this.#socket.close();
    }
  }

  /** True where the first packet was sent again, and the client was not heard from all the same. */
  get isUnheard(): boolean {
    return !this.#wasAnswered && this.#tries > 1;
  }

  /** Ends it without a word. */
  giveUp(): void {
    this.#finish({ kind: "timeout" });
  }

  /** Ends it, and tells the client. */
  abort(): void {
    this.#reply(errorPacket(errorCode.undefined, "the server stops"));
    this.giveUp();
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
      this.#wasAnswered = true;
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
    wakefulness.extend();
  }

  #send(): void {
    this.#tries += 1;
    if (this.#tries > mostTries) {
      this.giveUp();
      return;
    }
    // A timeout holds once the client has acknowledged it: who is forged could ask for a long one.
    const timeout = this.#isWaitingForOptions ? defaultTimeoutMs : this.#options.timeout;
    this.#startTimer(timeout * this.#tries);
    if (this.#isWaitingForOptions) {
      this.#reply(optionAcknowledgement(this.#options.acknowledged));
    } else {
      this.#sendWindow();
    }
  }

  /** The same timer again where it can be: one is started for each acknowledgement. */
  #startTimer(milliseconds: number): void {
    if (this.#timer !== undefined && this.#timerMs === milliseconds) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#timerMs = milliseconds;
    this.#timer = setTimeout(() => this.#send(), milliseconds);
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
          // Of what is wanted by now: an acknowledgement may have come meanwhile.
          if (!this.#isOver) this.#sendWindow();
        },
        (error: unknown) => this.#fail(error),
      );
    }
  }

  /** @param index counted from 0, as the file's bytes are; the block's number is one more */
  #sendBlock(index: number): void {
    const { blockSize } = this.#options;
    const start = index * blockSize;
    const length = Math.min(blockSize, this.#size - start);
    const packet = this.#packet.subarray(0, dataHeader + length);
    writeDataHeader(packet, index + 1);
    this.#file.copy(start, packet.subarray(dataHeader));
    this.#reply(packet);
    // The system has copied it, but for what has to wait for room.
    if (this.#socket.getSendQueueCount() > 0) this.#packet = newPacket(blockSize);
  }

  /** Without a callback, errors are passed over: what is lost is sent again. */
  #reply(bytes: Buffer): void {
    this.#socket.send(bytes, this.#peer.port, this.#peer.address);
  }
}

function newPacket(blockSize: number): Buffer {
  return Buffer.allocUnsafeSlow(dataHeader + blockSize);
}
