import type { ExtractEvent } from "../../extract/index.js";
import type { Reporter } from "./reporter.js";

/** Prints events as JSON lines on standard output. The caller prints the result. */
export class JsonReporter implements Reporter {
  event(event: ExtractEvent): void {
    if (event.type === "image" || event.type === "message") {
      process.stdout.write(`${JSON.stringify(event)}\n`);
    }
  }

  done(): void {}

  stop(): void {}
}
