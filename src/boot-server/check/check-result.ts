import { NetbootError } from "../../support/index.js";

/** What one look at this machine found. */
export interface CheckResult {
  readonly status: "ok" | "warn" | "fail";
  /** A sentence without its full stop. */
  readonly what: string;
  /** What to do. */
  readonly hint?: string;
}

export function ok(what: string): CheckResult {
  return { status: "ok", what };
}

/** The results of a check; where it throws a NetbootError, that is the result. */
export async function runCheck(check: () => Promise<CheckResult[]>): Promise<CheckResult[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof NetbootError)) throw error;
    return [{ status: "fail", what: error.message.replace(/\.$/, ""), hint: error.hint }];
  }
}
