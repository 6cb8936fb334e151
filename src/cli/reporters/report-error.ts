import { NetbootError, sanitize } from "../../support/index.js";

/**
 * Tells of an error: a sentence and a hint on standard error, or a JSON line on standard output.
 * @returns the exit status
 */
export function reportError(
  error: unknown,
  { json, verbose }: { json: boolean; verbose: boolean },
): number {
  const known = error instanceof NetbootError ? error : unexpected(error);
  if (json) {
    const { code, message, hint, exitStatus } = known;
    process.stdout.write(`${JSON.stringify({ type: "error", code, message, hint, exitStatus })}\n`);
  } else {
    process.stderr.write(`kairos-netboot: ${known.message}\n  ${known.hint}\n`);
  }
  if (verbose) process.stderr.write(`${chain(known)}\n`);
  return known.exitStatus;
}

function unexpected(error: unknown): NetbootError {
  return new NetbootError(
    "INTERNAL",
    `Something unexpected happened: ${error instanceof Error ? error.message : String(error)}`,
    "Please report this, with what the same command prints with --verbose.",
    { cause: error },
  );
}

/** The stack of an error and of what caused it. */
function chain(error: unknown): string {
  const stacks: string[] = [];
  for (let link = error; link instanceof Error; link = link.cause) {
    const stack = (link.stack ?? "").replace(link.message, sanitize(link.message));
    stacks.push(stack.split("\n").map(sanitize).join("\n"));
  }
  return stacks.join("\nCaused by: ");
}
