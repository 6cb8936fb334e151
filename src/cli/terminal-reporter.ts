import { MultiBar, type SingleBar } from "cli-progress";
import type { ExtractEvent, ExtractResult } from "../extract/index.js";
import { formatBytes } from "../support/index.js";
import { Rate } from "./rate.js";
import type { Reporter } from "./reporter.js";
import { doneLine, imageLine, messageLine } from "./wording.js";

const barFormat = "{label} {bar} {percentage}% {amount}{pace}";

interface Bar {
  readonly bar: SingleBar;
  readonly rate: Rate;
}

/** A bar a layer and one for the squashfs, on a terminal. */
export class TerminalReporter implements Reporter {
  readonly #verbose: boolean;
  readonly #started = performance.now();
  readonly #bars = new Map<string, Bar>();
  readonly #multiBar = new MultiBar({
    format: barFormat,
    stream: process.stderr,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 28,
    hideCursor: true,
    fps: 10,
    emptyOnZero: true,
    forceRedraw: true,
  });
  #squashfs: Bar | undefined;

  constructor({ verbose }: { verbose: boolean }) {
    this.#verbose = verbose;
  }

  event(event: ExtractEvent): void {
    switch (event.type) {
      case "image":
        this.#print(imageLine(event));
        event.layers.forEach(({ digest, size }, index) => {
          const label = `Layer ${index + 1}/${event.layers.length}`;
          this.#bars.set(digest, this.#add(label, size));
        });
        this.#squashfs = this.#add("Squashfs", 0);
        break;
      case "layer":
        this.#layer(event);
        break;
      case "squashfs":
        this.#update(this.#squashfs, event.written, event.total);
        break;
      default:
        if (event.level !== "detail" || this.#verbose) this.#print(messageLine(event));
    }
  }

  done(result: ExtractResult): void {
    if (this.#squashfs !== undefined) {
      const total = this.#squashfs.bar.getTotal();
      this.#update(this.#squashfs, total, total);
    }
    this.stop();
    process.stderr.write(`${doneLine(result, (performance.now() - this.#started) / 1000)}\n`);
  }

  stop(): void {
    this.#multiBar.stop();
  }

  #add(label: string, size: number): Bar {
    const payload = { label: label.padEnd(10), amount: "", pace: "" };
    return { bar: this.#multiBar.create(size, 0, payload), rate: new Rate() };
  }

  #layer({ digest, present, size, isCached }: Extract<ExtractEvent, { type: "layer" }>): void {
    const bar = this.#bars.get(digest);
    if (isCached) bar?.bar.update(size, { amount: formatBytes(size), pace: ", there already" });
    else this.#update(bar, present, size);
  }

  #update(
    { bar, rate }: Bar = { bar: undefined!, rate: undefined! },
    done: number,
    total?: number,
  ) {
    if (bar === undefined) return;
    if (total !== undefined) bar.setTotal(total);
    const amount =
      total === undefined ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
    bar.update(done, { amount, pace: rate.describe(done, total) });
  }

  #print(line: string): void {
    // Between the bars, cli-progress has to write it, or its picture tears.
    if (this.#bars.size === 0) process.stderr.write(`${line}\n`);
    else this.#multiBar.log(`${line}\n`);
  }
}
