import type { CheckResult, ServeOptions } from "../../boot-server/index.js";
import { NetbootError, sanitize } from "../../support/index.js";

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/**
 * Prints the result of each check; with `quiet`, only of those that failed.
 * @throws NetbootError CHECK_FAILED
 */
export async function runChecks(
  options: ServeOptions,
  { json, quiet }: { readonly json?: boolean | undefined; readonly quiet?: boolean | undefined },
): Promise<void> {
  const { checkServing } = await import("../../boot-server/index.js");
  let count = 0;
  let failures = 0;
  for await (const result of checkServing(options)) {
    count += 1;
    if (result.status === "fail") failures += 1;
    else if (quiet) continue;
    const line = json ? JSON.stringify({ type: "check", ...result }) : checkLine(result);
    process.stdout.write(`${line}\n`);
  }
  if (failures === 0) return;
  throw new NetbootError(
    "CHECK_FAILED",
    `${failures} of ${count} checks failed.`,
    "Each line that begins with FAIL says what to do.",
  );
}

function checkLine({ status, what, hint }: CheckResult): string {
  return sanitize(`${marks[status]} ${what}${hint === undefined ? "" : `. ${hint}`}`);
}
