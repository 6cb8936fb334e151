export type CheckStatus = "ok" | "failed" | "unchecked";

/** What is looked at, in this order. */
export type CheckName =
  | "description"
  | "signature"
  | "sums"
  | "provenance"
  | "kernel"
  | "initrd"
  | "squashfs"
  | "modules"
  | "script"
  | "source";

/** One thing that was looked at. */
export interface Check {
  readonly check: CheckName;
  readonly status: CheckStatus;
  /** What was found, for people; where it failed or was not checked, why. */
  readonly what: string;
}

export function ok(check: CheckName, what: string): Check {
  return { check, status: "ok", what };
}

export function failed(check: CheckName, what: string): Check {
  return { check, status: "failed", what };
}

export function unchecked(check: CheckName, what: string): Check {
  return { check, status: "unchecked", what };
}
