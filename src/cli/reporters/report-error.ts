import { NetbootError, sanitize } from "../../support/index.js";
import { formatErrorLine } from "../format/json-lines.js";

/**
 * Prints an error: a sentence and a hint on standard error, or a JSON line on standard output.
 * @returns the exit status
 */
export function reportError(
  error: unknown,
  { json, verbose }: { json: boolean; verbose: boolean },
): number {
  const known = error instanceof NetbootError ? error : internalError(error);
  if (json) process.stdout.write(formatErrorLine(known));
  else process.stderr.write(`kairos-netboot: ${known.message}\n  ${known.hint}\n`);
  if (verbose) process.stderr.write(`${formatStacks(known)}\n`);
  return known.exitStatus;
}

function internalError(error: unknown): NetbootError {
  return new NetbootError(
    "INTERNAL",
    `Unexpected error: ${error instanceof Error ? error.message : String(error)}`,
    "Please report it with the output of the same command with --verbose.",
    { cause: error },
  );
}

/** The stacks of an error and of its causes. */
function formatStacks(error: unknown): string {
  const stacks: string[] = [];
  for (let link = error; link instanceof Error; link = link.cause) {
    const stack = (link.stack ?? "").replace(link.message, sanitize(link.message));
    stacks.push(stack.split("\n").map(sanitize).join("\n"));
  }
  return stacks.join("\nCaused by: ");
}
