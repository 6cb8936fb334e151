import type { ExtractEvent, ExtractResult } from "../../extract/index.js";

/** Shows the progress of a job to a person or a program. */
export interface Reporter {
  event(event: ExtractEvent): void;
  /** Called when the job has succeeded. */
  done(result: ExtractResult): void;
  /** Called when the job has ended, whether it succeeded or not. */
  stop(): void;
}
