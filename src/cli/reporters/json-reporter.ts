import type { ExtractEvent } from "../../extract/index.js";
import type { Reporter } from "./reporter.js";

/** What happens, a JSON object a line, on standard output; the result follows as another one. */
export class JsonReporter implements Reporter {
  event(event: ExtractEvent): void {
    if (event.type === "image" || event.type === "message") {
      process.stdout.write(`${JSON.stringify(event)}\n`);
    }
  }

  done(): void {}

  stop(): void {}
}
