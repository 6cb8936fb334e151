type CheckStatus = "ok" | "failed" | "unchecked";

/** Names of the checks, in the order in which they run. */
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

/** The result of one check. */
export interface Check {
  readonly check: CheckName;
  readonly status: CheckStatus;
  /** The finding in words; the reason if the check failed or was not done. */
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
