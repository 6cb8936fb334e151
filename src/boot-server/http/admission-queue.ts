import { type MinimumRate, type Progress, TransferRate } from "./transfer-rate.js";

/** A large transfer may begin; `release` has to be called at its end, and does nothing again. */
export interface Slot {
  readonly kind: "slot";
  release(): void;
}

/** Not now: the client should ask again after so many seconds. */
export interface RetryLater {
  readonly kind: "later";
  readonly seconds: number;
}

export interface AdmissionQueueOptions {
  /** Transfers at once. */
  readonly most: number;
  /** Of those, how many may be one client's. */
  readonly mostOfOneClient?: number;
  /** Milliseconds that a request waits before it is told to come again. */
  readonly patience?: number;
  /** Milliseconds that the place of a client that went away is kept. */
  readonly memory?: number;
  /** What gets on by less does not count while others wait. */
  readonly minimumRate?: MinimumRate;
}

/** A place in the queue, with a request that waits or of a client that is expected back. */
interface Place {
  readonly client: string;
  readonly file: string;
  /** Of the latest request. */
  progress: Progress;
  refusals: number;
  begin: ((slot: Slot) => void) | undefined;
  /** When it was left, as `performance.now` has it. */
  left: number;
}

/** A transfer that has a slot. */
interface Running {
  readonly client: string;
  readonly rate: TransferRate;
  /** False for one that lost its place to another: it goes on all the same. */
  isCounted: boolean;
}

/** dracut's curl tries three times more, then the machine does not boot. */
const mostRefusals = 2;
const longestPause = 30;

/**
 * Lets a bounded number of large transfers run at once: with a link shared by few, the first
 * machines boot soon and the last no later. The others wait in the order they came, first with
 * their request open, then by being told to come again, which keeps their place; a client that was
 * told so twice for a file waits as long as it takes.
 *
 * A transfer that hardly gets on hardly uses the link either: where somebody waits, its place is
 * given away, and it goes on beside the others. It still counts in its client's share.
 */
export class AdmissionQueue {
  readonly #most: number;
  readonly #mostOfOneClient: number;
  readonly #patience: number;
  readonly #memory: number;
  readonly #minimumRate: MinimumRate;
  readonly #running = new Set<Running>();
  /** Looks how fast transfers are while there are any. */
  #timer: NodeJS.Timeout | undefined;
  #queue: Place[] = [];
  /** Milliseconds that transfers take, later ones weighing more. */
  #usual = 10_000;

  constructor({
    most,
    mostOfOneClient = 4,
    patience = 20_000,
    memory = 120_000,
    minimumRate = { period: 30_000, bytesPerSecond: 64_000 },
  }: AdmissionQueueOptions) {
    this.#most = most;
    this.#mostOfOneClient = mostOfOneClient;
    this.#patience = patience;
    this.#memory = memory;
    this.#minimumRate = minimumRate;
  }

  /**
   * Waits for a slot.
   * @param gone aborted when the client goes away; then the answer is undefined
   */
  async ask(
    client: string,
    file: string,
    gone: AbortSignal,
    progress: Progress,
  ): Promise<Slot | RetryLater | undefined> {
    if (gone.aborted) return undefined;
    const place = this.#placeFor(client, file, progress);
    let timer: NodeJS.Timeout | undefined;
    let onGone = () => {};
    const answer = await new Promise<Slot | RetryLater | undefined>((resolve) => {
      place.begin = resolve;
      onGone = () => this.#leave(place, () => resolve(undefined));
      gone.addEventListener("abort", onGone);
      if (place.refusals < mostRefusals) {
        timer = setTimeout(() => this.#refuse(place, resolve), this.#patience);
      }
      this.#admit();
    });
    clearTimeout(timer);
    gone.removeEventListener("abort", onGone);
    if (answer?.kind !== "slot" || !gone.aborted) return answer;
    // It went away just when its turn came.
    answer.release();
    return undefined;
  }

  #placeFor(client: string, file: string, progress: Progress): Place {
    const oldest = performance.now() - this.#memory;
    this.#queue = this.#queue.filter(({ begin, left }) => begin !== undefined || left > oldest);
    const own = this.#queue.find(
      (place) => place.begin === undefined && place.client === client && place.file === file,
    );
    if (own !== undefined) {
      own.progress = progress;
      return own;
    }
    const place: Place = { client, file, progress, refusals: 0, begin: undefined, left: 0 };
    this.#queue.push(place);
    return place;
  }

  #refuse(place: Place, resolve: (later: RetryLater) => void): void {
    const position = this.#queue.indexOf(place) + 1;
    const wait = this.#waitAt(position) / 1000;
    place.refusals += 1;
    const seconds = Math.min(longestPause, Math.max(1, Math.ceil(wait)));
    this.#leave(place, () => resolve({ kind: "later", seconds }));
  }

  #leave(place: Place, then: () => void): void {
    if (place.begin === undefined) return;
    place.begin = undefined;
    place.left = performance.now();
    then();
  }

  /** Milliseconds until so many places were given back, if all goes on as it does. */
  #waitAt(position: number): number {
    const rests = this.#counted.map(({ rate }) => rate.rest(this.#usual)).sort((a, b) => a - b);
    const rounds = Math.floor((position - 1) / this.#most);
    return (rests[(position - 1) % this.#most] ?? this.#usual) + rounds * this.#usual;
  }

  get #counted(): Running[] {
    return [...this.#running].filter(({ isCounted }) => isCounted);
  }

  #admit(): void {
    for (;;) {
      const next = this.#queue.findIndex(
        ({ client, begin }) => begin !== undefined && !this.#isOverClientLimit(client),
      );
      if (next < 0 || !this.#hasRoom()) return;
      const [{ client, progress, begin }] = this.#queue.splice(next, 1) as [Place];
      begin!(this.#slotFor(client, progress));
    }
  }

  #isOverClientLimit(client: string): boolean {
    const own = [...this.#running].filter((other) => other.client === client).length;
    return own >= this.#mostOfOneClient;
  }

  /** Makes room where it can. */
  #hasRoom(): boolean {
    const counted = this.#counted;
    if (counted.length < this.#most) return true;
    const slow = counted.find(({ rate }) => rate.isSlow);
    if (slow === undefined) return false;
    slow.isCounted = false;
    return true;
  }

  #look(): void {
    for (const { rate } of this.#running) rate.mark();
    this.#admit();
  }

  #slotFor(client: string, progress: Progress): Slot {
    const own: Running = {
      client,
      rate: new TransferRate(progress, this.#minimumRate),
      isCounted: true,
    };
    this.#running.add(own);
    this.#timer ??= setInterval(
      () => this.#look(),
      TransferRate.interval(this.#minimumRate),
    ).unref();
    const release = () => {
      if (!this.#running.delete(own)) return;
      if (own.isCounted) this.#usual += (own.rate.age - this.#usual) / 8;
      if (this.#running.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      this.#admit();
    };
    return { kind: "slot", release };
  }
}
