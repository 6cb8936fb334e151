import { JsonReporter } from "./json-reporter.js";
import { PlainReporter } from "./plain-reporter.js";
import type { Reporter } from "./reporter.js";

interface Flags {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Creates the reporter for these flags and this kind of standard error. */
export async function createReporter(flags: Flags): Promise<Reporter> {
  const create = await reporterFactory(flags);
  return create();
}

/** Like `createReporter`, for several jobs that need a reporter each. */
export async function reporterFactory(flags: Flags): Promise<() => Reporter> {
  if (flags.quiet) return () => ({ event: () => {}, done: () => {}, stop: () => {} });
  if (flags.json) return () => new JsonReporter();
  const verbose = flags.verbose ?? false;
  if (!process.stderr.isTTY) return () => new PlainReporter({ verbose });
  const { TerminalReporter } = await import("./terminal-reporter.js");
  return () => new TerminalReporter({ verbose });
}
