import type { ExtractEvent, ExtractResult } from "../../extract/index.js";

/** Tells a person, or a program, what is going on. */
export interface Reporter {
  event(event: ExtractEvent): void;
  /** The job is done. */
  done(result: ExtractResult): void;
  /** Nothing more will come, whether the job was done or not. */
  stop(): void;
}
