import { NetbootError } from "../../support/index.js";

/** The result of one check. */
export interface CheckResult {
  readonly status: "ok" | "warn" | "fail";
  /** A sentence without a full stop. */
  readonly what: string;
  /** What to do. */
  readonly hint?: string;
}

export function passed(what: string): CheckResult {
  return { status: "ok", what };
}

/** Runs a check. If it throws a NetbootError, that is the result. */
export async function runCheck(check: () => Promise<CheckResult[]>): Promise<CheckResult[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof NetbootError)) throw error;
    return [{ status: "fail", what: withoutFullStop(error.message), hint: error.hint }];
  }
}

export function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
