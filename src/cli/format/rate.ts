import { formatBytes } from "../../support/index.js";

/** Milliseconds that a rate looks back. */
const window = 5000;

/** How fast something goes, over the last seconds. */
export class Rate {
  readonly #samples: { time: number; done: number }[] = [];

  /** @returns `, 45.1 MB/s, 12 s left`, or as much of it as can be told */
  describe(done: number, total: number, now = performance.now()): string {
    if (done >= total) return "";
    // What was wrong is fetched again.
    if (done < (this.#samples.at(-1)?.done ?? 0)) this.#samples.length = 0;
    const last = this.#samples.at(-1);
    if (last === undefined || now - last.time >= 100) this.#samples.push({ time: now, done });
    while (this.#samples.length > 2 && now - this.#samples[0]!.time > window) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = (now - first.time) / 1000;
    if (seconds < 0.5) return "";
    const rate = (done - first.done) / seconds;
    const pace = `, ${formatBytes(rate >= 1000 ? rate : Math.round(rate))}/s`;
    return rate <= 0 ? pace : `${pace}, ${formatSeconds((total - done) / rate)} left`;
  }
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
