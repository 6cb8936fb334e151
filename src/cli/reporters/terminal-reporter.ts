import { MultiBar, type SingleBar } from "cli-progress";
import type { ExtractEvent, ExtractEventOf, ExtractResult } from "../../extract/index.js";
import { formatBytes } from "../../support/index.js";
import { doneLine, imageLine, messageLine } from "../format/format-extract-event.js";
import { Rate } from "../format/rate.js";
import type { Reporter } from "./reporter.js";

/** ECMA-48, "ERASE IN LINE": the line stands where a longer bar was. */
const clearToEnd = "\u001b[K";
const barFormat = "{label} {bar} {percentage}% {amount}{pace}";

interface Bar {
  readonly bar: SingleBar;
  readonly rate: Rate;
}

/** Where a terminal does not tell how many rows it has. */
const usualRows = 24;

/** A bar a layer and one for the squashfs, on a terminal; where they would not fit, one for all layers. */
export class TerminalReporter implements Reporter {
  readonly #verbose: boolean;
  readonly #started = performance.now();
  /** By digest. */
  readonly #bars = new Map<string, Bar>();
  #allLayers: Bar | undefined;
  /** Bytes of each layer that are there, and those of all that there are to be. */
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
    // The cursor is hidden, and comes back whatever ends the program.
    process.once("exit", this.#onExit);
  }

  event(event: ExtractEvent): void {
    switch (event.type) {
      case "image":
        this.#print(imageLine(event));
        // A damaged cache makes the whole job begin again.
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
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#multiBar.stop();
    process.off("exit", this.#onExit);
  }

  #add(label: string, size: number): Bar {
    const payload = { label: label.padEnd(10), amount: "", pace: "" };
    return { bar: this.#multiBar.create(size, 0, payload), rate: new Rate() };
  }

  #addLayers({ layers }: ExtractEventOf<"image">): void {
    // Images happen to have one layer twice.
    const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
    this.#total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    // Below the layers' there is the bar of the squashfs, and the row of the cursor. Bars that are not
    // on the screen cannot be drawn over: each time, all would be written anew.
    if (sizes.size > (process.stderr.rows || usualRows) - 2) {
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
    if (isCached) bar?.bar.update(size, { amount: formatBytes(size), pace: ", there already" });
    else this.#update(bar, present, size);
  }

  /** An estimate is never reached: how much there is, is known only at the end. */
  #squashfsProgress({ written, total, isEstimate }: ExtractEventOf<"squashfs">): void {
    this.#update(this.#squashfs, written, isEstimate ? Math.max(total, written * 1.05) : total);
  }

  #update(target: Bar | undefined, done: number, total: number): void {
    if (target === undefined) return;
    const { bar, rate } = target;
    bar.setTotal(total);
    const amount = `${formatBytes(done)} of ${formatBytes(Math.round(total))}`;
    bar.update(done, { amount, pace: rate.describe(done, total) });
  }

  #print(line: string): void {
    // Between the bars, cli-progress has to write it, or its picture tears.
    if (this.#squashfs === undefined) process.stderr.write(`${line}\n`);
    else this.#multiBar.log(`${line}${clearToEnd}\n`);
  }
}
