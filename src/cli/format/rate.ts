import { formatBytes } from "../../support/index.js";

const windowMs = 5000;
const sampleIntervalMs = 100;
const minDurationMs = 500;

interface Sample {
  readonly time: number;
  readonly done: number;
}

/** The rate of a transfer over the last seconds. */
export class Rate {
  readonly #samples: Sample[] = [];

  /** @returns `, 45.1 MB/s, 12 s left`, or a part of it while too little is known */
  describe(done: number, total: number, now = performance.now()): string {
    if (done >= total) return "";
    const first = this.#add({ time: now, done });
    const milliseconds = now - first.time;
    if (milliseconds < minDurationMs) return "";
    const rate = (1000 * (done - first.done)) / milliseconds;
    const speed = `, ${formatBytes(rate >= 1000 ? rate : Math.round(rate))}/s`;
    return rate <= 0 ? speed : `${speed}, ${formatSeconds((total - done) / rate)} left`;
  }

  /** @returns the oldest sample in the window */
  #add(sample: Sample): Sample {
    const samples = this.#samples;
    // The count decreases if damaged content is fetched again.
    if (sample.done < (samples.at(-1)?.done ?? 0)) samples.length = 0;
    const last = samples.at(-1);
    if (last === undefined || sample.time - last.time >= sampleIntervalMs) samples.push(sample);
    while (samples.length > 2 && sample.time - (samples[0]?.time ?? 0) > windowMs) samples.shift();
    return samples[0] ?? sample;
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
