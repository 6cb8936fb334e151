import assert from "node:assert/strict";
import type { Outcome } from "../../extract/support/program.js";

export interface Refusal {
  readonly status: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/**
 * Asserts that a run failed properly: the exit status, nothing on standard output, and one sentence
 * and one hint at the end of standard error, without control characters.
 */
export function assertRefusal({ status, stdout, stderr }: Outcome, expected: Refusal): void {
  assert.equal(status, expected.status, stderr);
  assert.equal(stdout, "");
  assertPrintable(stderr);
  const [message, hint, ...rest] = stderr.split("\n").slice(-3);
  assert.deepEqual(rest, [""], stderr);
  assert.match(message!, /^kairos-netboot: \S.*[.!?]$/, "one sentence");
  assert.match(message!, expected.message);
  assert.match(hint!, /^ {2}\S.*\S$/, "one hint");
  assert.match(hint!, expected.hint);
  assert.doesNotMatch(stderr, /^\s+at /m, "no stack trace");
}

/** Asserts that there are no control characters but newlines, no C1, and no bidirectional overrides. */
export function assertPrintable(text: string): void {
  assert.doesNotMatch(
    text,
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/,
  );
}
