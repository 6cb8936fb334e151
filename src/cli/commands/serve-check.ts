import type { CheckResult, ServeOptions } from "../../boot-server/index.js";
import { NetbootError, sanitize } from "../../support/index.js";

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/**
 * Prints what was checked, a line each; with `quiet` what failed only.
 * @throws NetbootError CHECK_FAILED
 */
export async function runChecks(
  options: ServeOptions,
  { json, quiet }: { readonly json?: boolean; readonly quiet?: boolean },
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
    "What to do stands beside each.",
  );
}

function checkLine({ status, what, hint }: CheckResult): string {
  return sanitize(`${marks[status]} ${what}${hint === undefined ? "" : `. ${hint}`}`);
}
