import { MultiBar, type SingleBar } from "cli-progress";
import type { ExtractEvent, ExtractEventOf, ExtractResult } from "../../extract/index.js";
import { formatBytes } from "../../support/index.js";
import { formatImage, formatMessage, formatResult } from "../format/format-extract-event.js";
import { Rate } from "../format/rate.js";
import type { Reporter } from "./reporter.js";

/** ECMA-48, "ERASE IN LINE": the line may replace a longer bar. */
const eraseToEnd = "\u001b[K";
const barFormat = "{label} {bar} {percentage}% {amount}{speed}";

interface Bar {
  readonly bar: SingleBar;
  readonly rate: Rate;
}

/** For terminals that do not report their number of rows. */
const defaultRows = 24;

/**
 * For terminals: a bar for each layer and one for the squashfs. If the terminal has too few rows,
 * one bar stands for all layers.
 */
export class TerminalReporter implements Reporter {
  readonly #verbose: boolean;
  readonly #started = performance.now();
  /** The bars of the layers by digest. */
  readonly #bars = new Map<string, Bar>();
  #allLayers: Bar | undefined;
  /** For the bar of all layers: the bytes that are present by digest, and the total. */
  readonly #present = new Map<string, number>();
  #total = 0;
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
  #isStopped = false;
  readonly #onExit = () => this.stop();

  constructor({ verbose }: { verbose: boolean }) {
    this.#verbose = verbose;
    // The bars hide the cursor, which must come back however the program ends.
    process.once("exit", this.#onExit);
  }

  event(event: ExtractEvent): void {
    switch (event.type) {
      case "image":
        this.#print(formatImage(event));
        // After damage in the cache, the whole job starts again with the same bars.
        if (this.#squashfs !== undefined) break;
        this.#addLayers(event);
        this.#squashfs = this.#add("Squashfs", 0);
        break;
      case "layer":
        this.#layer(event);
        break;
      case "squashfs":
        this.#squashfsProgress(event);
        break;
      default:
        if (event.level !== "detail" || this.#verbose) this.#print(formatMessage(event));
    }
  }

  done(result: ExtractResult): void {
    if (this.#squashfs !== undefined) {
      const total = this.#squashfs.bar.getTotal();
      this.#update(this.#squashfs, total, total);
    }
    this.stop();
    process.stderr.write(`${formatResult(result, (performance.now() - this.#started) / 1000)}\n`);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#multiBar.stop();
    process.off("exit", this.#onExit);
  }

  #add(label: string, size: number): Bar {
    const payload = { label: label.padEnd(10), amount: "", speed: "" };
    return { bar: this.#multiBar.create(size, 0, payload), rate: new Rate() };
  }

  #addLayers({ layers }: ExtractEventOf<"image">): void {
    // Some images contain the same layer twice.
    const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
    this.#total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    // The bar of the squashfs and the cursor need a row each. Bars that have scrolled off the screen
    // cannot be redrawn in place: every update would print all of them again.
    if (sizes.size > (process.stderr.rows || defaultRows) - 2) {
      this.#allLayers = this.#add(`${layers.length} layers`, this.#total);
      return;
    }
    layers.forEach(({ digest, size }, index) => {
      if (this.#bars.has(digest)) return;
      this.#bars.set(digest, this.#add(`Layer ${index + 1}/${layers.length}`, size));
    });
  }

  #layer({ digest, present, size, isCached }: ExtractEventOf<"layer">): void {
    if (this.#allLayers !== undefined) {
      this.#present.set(digest, present);
      const sum = [...this.#present.values()].reduce((all, each) => all + each, 0);
      this.#update(this.#allLayers, sum, this.#total);
      return;
    }
    const bar = this.#bars.get(digest);
    if (isCached) bar?.bar.update(size, { amount: formatBytes(size), speed: ", already on disk" });
    else this.#update(bar, present, size);
  }

  /** An estimated total never shows 100%: the real total is known only at the end. */
  #squashfsProgress({ written, total, isEstimate }: ExtractEventOf<"squashfs">): void {
    this.#update(this.#squashfs, written, isEstimate ? Math.max(total, written * 1.05) : total);
  }

  #update(target: Bar | undefined, done: number, total: number): void {
    if (target === undefined) return;
    const { bar, rate } = target;
    bar.setTotal(total);
    const amount = `${formatBytes(done)} of ${formatBytes(Math.round(total))}`;
    bar.update(done, { amount, speed: rate.describe(done, total) });
  }

  #print(line: string): void {
    // cli-progress must write lines between the bars, or the display breaks.
    if (this.#squashfs === undefined) process.stderr.write(`${line}\n`);
    else this.#multiBar.log(`${line}${eraseToEnd}\n`);
  }
}
