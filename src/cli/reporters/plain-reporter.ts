import type { ExtractEvent, ExtractEventOf, ExtractResult } from "../../extract/index.js";
import { formatBytes } from "../../support/index.js";
import { formatImage, formatMessage, formatResult } from "../format/format-extract-event.js";
import type { Reporter } from "./reporter.js";

/** For logs and pipelines: a line on standard error for each step that is complete. */
export class PlainReporter implements Reporter {
  readonly #verbose: boolean;
  readonly #started = performance.now();
  readonly #numbers = new Map<string, number>();
  #count = 0;
  readonly #complete = new Set<string>();

  constructor({ verbose }: { verbose: boolean }) {
    this.#verbose = verbose;
  }

  event(event: ExtractEvent): void {
    switch (event.type) {
      case "image":
        this.#complete.clear();
        this.#count = event.layers.length;
        event.layers.forEach(({ digest }, index) => {
          this.#numbers.set(digest, index + 1);
        });
        this.#print(formatImage(event));
        break;
      case "layer":
        if (event.present === event.size) this.#layerComplete(event);
        break;
      case "message":
        if (event.level !== "detail" || this.#verbose) this.#print(formatMessage(event));
        break;
      default:
    }
  }

  done(result: ExtractResult): void {
    this.#print(formatResult(result, (performance.now() - this.#started) / 1000));
  }

  stop(): void {}

  #layerComplete({ digest, size, isCached }: ExtractEventOf<"layer">): void {
    if (this.#complete.has(digest)) return;
    this.#complete.add(digest);
    const how = isCached ? "already on disk" : "fetched";
    const number = this.#numbers.get(digest);
    this.#print(`Layer ${number} of ${this.#count} ${how} (${formatBytes(size)})`);
  }

  #print(line: string): void {
    process.stderr.write(`${line}\n`);
  }
}
