import {
  type MinimumRate,
  markIntervalMs,
  type TransferProgress,
  TransferRate,
} from "./transfer-rate.js";

/** Permission for a large transfer. `release` must be called at its end; more calls do nothing. */
export interface Slot {
  readonly kind: "slot";
  release(): void;
}

/** The client should ask again after this time. */
export interface RetryLater {
  readonly kind: "later";
  readonly seconds: number;
}

export interface AdmissionQueueOptions {
  /** Maximum number of concurrent transfers. */
  readonly maxTransfers: number;
  /** How many of these a single client may have. */
  readonly maxTransfersPerClient?: number;
  /** A request that waits for longer is told to come again. */
  readonly waitTimeoutMs?: number;
  /** How long a client that disconnected keeps its place. */
  readonly placeTtlMs?: number;
  /** A slower transfer does not count while others wait. */
  readonly minimumRate?: MinimumRate;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** A place in the queue, of a waiting request or of a client that is expected back. */
interface Place {
  readonly client: string;
  readonly file: string;
  /** Of the latest request. */
  progress: TransferProgress;
  refusals: number;
  /** Undefined while no request waits. */
  answer: ((slot: Slot) => void) | undefined;
  /** When the last request left. */
  leftAt: number;
}

interface WaitingPlace extends Place {
  readonly answer: (slot: Slot) => void;
}

/** A transfer that has a slot. */
interface RunningTransfer {
  readonly client: string;
  readonly rate: TransferRate;
  /** False if another transfer took the place of this one, which continues nevertheless. */
  isCounted: boolean;
}

/** dracut's curl retries three times; after that, the machine does not boot. */
const maxRefusals = 2;
const maxRetrySeconds = 30;
/** Of a transfer, until the first one has ended. */
const initialTypicalMs = 10_000;

/**
 * Limits the number of concurrent large transfers. If few machines share a link, the first ones boot
 * early and the last ones no later. The others wait in order of arrival: first with an open request,
 * then by being told to come again, which keeps their place. A client that was told so twice for a
 * file waits for as long as it takes.
 *
 * A very slow transfer hardly uses the link. If another one waits, it gets the place of the slow one,
 * which continues but still counts toward its client's limit.
 */
export class AdmissionQueue {
  readonly #maxTransfers: number;
  readonly #maxTransfersPerClient: number;
  readonly #waitTimeoutMs: number;
  readonly #placeTtlMs: number;
  readonly #minimumRate: MinimumRate;
  readonly #now: () => number;
  readonly #running = new Set<RunningTransfer>();
  /** Measures transfers while there are any. */
  #timer: NodeJS.Timeout | undefined;
  #queue: Place[] = [];
  /** The duration of transfers: a moving average. */
  #typicalMs = initialTypicalMs;

  constructor({
    maxTransfers,
    maxTransfersPerClient = 4,
    waitTimeoutMs = 20_000,
    placeTtlMs = 120_000,
    minimumRate = { periodMs: 30_000, bytesPerSecond: 64_000 },
    now = () => performance.now(),
  }: AdmissionQueueOptions) {
    this.#maxTransfers = maxTransfers;
    this.#maxTransfersPerClient = maxTransfersPerClient;
    this.#waitTimeoutMs = waitTimeoutMs;
    this.#placeTtlMs = placeTtlMs;
    this.#minimumRate = minimumRate;
    this.#now = now;
  }

  /**
   * Waits for a slot.
   * @param gone aborted when the client disconnects; then the result is undefined
   */
  async ask(
    client: string,
    file: string,
    gone: AbortSignal,
    progress: TransferProgress,
  ): Promise<Slot | RetryLater | undefined> {
    if (gone.aborted) return undefined;
    const place = this.#placeFor(client, file, progress);
    let timer: NodeJS.Timeout | undefined;
    let onGone = () => {};
    const answer = await new Promise<Slot | RetryLater | undefined>((resolve) => {
      place.answer = resolve;
      onGone = () => this.#leave(place, () => resolve(undefined));
      gone.addEventListener("abort", onGone);
      if (place.refusals < maxRefusals) {
        timer = setTimeout(() => this.#refuse(place, resolve), this.#waitTimeoutMs);
      }
      this.#admit();
    });
    clearTimeout(timer);
    gone.removeEventListener("abort", onGone);
    if (answer?.kind !== "slot" || !gone.aborted) return answer;
    // The client disconnected just when its turn came.
    answer.release();
    return undefined;
  }

  #placeFor(client: string, file: string, progress: TransferProgress): Place {
    const oldest = this.#now() - this.#placeTtlMs;
    this.#queue = this.#queue.filter((place) => isWaiting(place) || place.leftAt > oldest);
    const own = this.#queue.find(
      (place) => !isWaiting(place) && place.client === client && place.file === file,
    );
    if (own !== undefined) {
      own.progress = progress;
      return own;
    }
    const place: Place = { client, file, progress, refusals: 0, answer: undefined, leftAt: 0 };
    this.#queue.push(place);
    return place;
  }

  #refuse(place: Place, resolve: (later: RetryLater) => void): void {
    const position = this.#queue.indexOf(place) + 1;
    const waitSeconds = Math.ceil(this.#waitMs(position) / 1000);
    place.refusals += 1;
    const seconds = Math.min(maxRetrySeconds, Math.max(1, waitSeconds));
    this.#leave(place, () => resolve({ kind: "later", seconds }));
  }

  #leave(place: Place, resolve: () => void): void {
    if (place.answer === undefined) return;
    place.answer = undefined;
    place.leftAt = this.#now();
    resolve();
  }

  /** The time until the request at a position in the queue, from 1, gets a slot. */
  #waitMs(position: number): number {
    const typicalMs = this.#typicalMs;
    const remaining = this.#counted
      .map(({ rate }) => rate.remainingMs(typicalMs))
      .sort((a, b) => a - b);
    const rounds = Math.floor((position - 1) / this.#maxTransfers);
    return (remaining[(position - 1) % this.#maxTransfers] ?? typicalMs) + rounds * typicalMs;
  }

  get #counted(): RunningTransfer[] {
    return [...this.#running].filter(({ isCounted }) => isCounted);
  }

  #admit(): void {
    for (;;) {
      const next = this.#queue
        .filter(isWaiting)
        .find(({ client }) => !this.#isOverClientLimit(client));
      if (next === undefined || !this.#makeRoom()) return;
      this.#queue.splice(this.#queue.indexOf(next), 1);
      next.answer(this.#createSlot(next.client, next.progress));
    }
  }

  #isOverClientLimit(client: string): boolean {
    const own = [...this.#running].filter((other) => other.client === client).length;
    return own >= this.#maxTransfersPerClient;
  }

  /** @returns false if all places are taken by transfers that are fast enough */
  #makeRoom(): boolean {
    const counted = this.#counted;
    if (counted.length < this.#maxTransfers) return true;
    const slow = counted.find(({ rate }) => rate.isSlow);
    if (slow === undefined) return false;
    slow.isCounted = false;
    return true;
  }

  #measure(): void {
    for (const { rate } of this.#running) rate.mark();
    this.#admit();
  }

  #createSlot(client: string, progress: TransferProgress): Slot {
    const rate = new TransferRate(progress, this.#minimumRate, this.#now);
    const transfer: RunningTransfer = { client, rate, isCounted: true };
    this.#running.add(transfer);
    this.#timer ??= setInterval(() => this.#measure(), markIntervalMs(this.#minimumRate)).unref();
    return { kind: "slot", release: () => this.#release(transfer) };
  }

  #release(transfer: RunningTransfer): void {
    if (!this.#running.delete(transfer)) return;
    if (transfer.isCounted) this.#typicalMs += (transfer.rate.ageMs - this.#typicalMs) / 8;
    if (this.#running.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    this.#admit();
  }
}

function isWaiting(place: Place): place is WaitingPlace {
  return place.answer !== undefined;
}
