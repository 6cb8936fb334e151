/** A large transfer may begin; `release` has to be called at its end, and does nothing again. */
export interface Slot {
  readonly kind: "slot";
  release(): void;
}

/** Not now: the client should ask again after so many seconds. */
export interface Later {
  readonly kind: "later";
  readonly seconds: number;
}

export interface AdmissionOptions {
  /** Transfers at once. */
  readonly most: number;
  /** Of those, how many may be one client's. */
  readonly mostOfOneClient?: number;
  /** Milliseconds that a request waits before it is told to come again. */
  readonly patience?: number;
  /** Milliseconds that the place of a client that went away is kept. */
  readonly memory?: number;
}

/** A place in the queue, with a request that waits or of a client that is expected back. */
interface Place {
  readonly client: string;
  readonly file: string;
  refusals: number;
  begin: ((slot: Slot) => void) | undefined;
  /** When it was left, as `performance.now` has it. */
  left: number;
}

/** dracut's curl tries three times more, then the machine does not boot. */
const mostRefusals = 2;
const longestPause = 30;

/**
 * Lets a bounded number of large transfers run at once: with a link shared by few, the first
 * machines boot soon and the last no later. The others wait in the order they came, first with
 * their request open, then by being told to come again, which keeps their place; a client that was
 * told so twice for a file waits as long as it takes.
 */
export class Admission {
  readonly #most: number;
  readonly #mostOfOneClient: number;
  readonly #patience: number;
  readonly #memory: number;
  readonly #running = new Map<string, number>();
  #count = 0;
  #queue: Place[] = [];
  /** Milliseconds that transfers take, later ones weighing more. */
  #usual = 10_000;

  constructor({
    most,
    mostOfOneClient = 4,
    patience = 20_000,
    memory = 120_000,
  }: AdmissionOptions) {
    this.#most = most;
    this.#mostOfOneClient = mostOfOneClient;
    this.#patience = patience;
    this.#memory = memory;
  }

  /**
   * Waits for a slot.
   * @param gone aborted when the client goes away; then the answer is undefined
   */
  async ask(client: string, file: string, gone: AbortSignal): Promise<Slot | Later | undefined> {
    if (gone.aborted) return undefined;
    const place = this.#placeFor(client, file);
    let timer: NodeJS.Timeout | undefined;
    let onGone = () => {};
    const answer = await new Promise<Slot | Later | undefined>((resolve) => {
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

  #placeFor(client: string, file: string): Place {
    const oldest = performance.now() - this.#memory;
    this.#queue = this.#queue.filter(({ begin, left }) => begin !== undefined || left > oldest);
    const own = this.#queue.find(
      (place) => place.begin === undefined && place.client === client && place.file === file,
    );
    if (own !== undefined) return own;
    const place: Place = { client, file, refusals: 0, begin: undefined, left: 0 };
    this.#queue.push(place);
    return place;
  }

  #refuse(place: Place, resolve: (later: Later) => void): void {
    const position = this.#queue.indexOf(place) + 1;
    const wait = (this.#usual * position) / this.#most / 1000;
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

  #admit(): void {
    while (this.#count < this.#most) {
      const next = this.#queue.findIndex(
        ({ client, begin }) =>
          begin !== undefined && (this.#running.get(client) ?? 0) < this.#mostOfOneClient,
      );
      if (next < 0) return;
      const [{ client, begin }] = this.#queue.splice(next, 1) as [Place];
      begin!(this.#slotFor(client));
    }
  }

  #slotFor(client: string): Slot {
    const start = performance.now();
    this.#count += 1;
    this.#running.set(client, (this.#running.get(client) ?? 0) + 1);
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#usual += (performance.now() - start - this.#usual) / 8;
      this.#count -= 1;
      const others = this.#running.get(client)! - 1;
      if (others > 0) this.#running.set(client, others);
      else this.#running.delete(client);
      this.#admit();
    };
    return { kind: "slot", release };
  }
}
