import type { ExtractEvent, ExtractResult } from "../extract/index.js";
import { JsonReporter } from "./json-reporter.js";
import { PlainReporter } from "./plain-reporter.js";

/** Tells a person, or a program, what is going on. */
export interface Reporter {
  event(event: ExtractEvent): void;
  /** The job is done. */
  done(result: ExtractResult): void;
  /** Nothing more will come, whether the job was done or not. */
  stop(): void;
}

export async function createReporter(flags: {
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}): Promise<Reporter> {
  if (flags.json) return new JsonReporter();
  if (flags.quiet) return { event: () => {}, done: () => {}, stop: () => {} };
  const verbose = flags.verbose ?? false;
  if (!process.stderr.isTTY) return new PlainReporter({ verbose });
  const { TerminalReporter } = await import("./terminal-reporter.js");
  return new TerminalReporter({ verbose });
}
