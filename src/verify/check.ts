type CheckStatus = "ok" | "warning" | "failed" | "unchecked";

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
  | "netboot"
  | "script"
  | "source";

/** The result of one check. */
export interface Check {
  readonly check: CheckName;
  readonly status: CheckStatus;
  /** The finding in words; the reason if it is not ok. */
  readonly what: string;
}

export function ok(check: CheckName, what: string): Check {
  return { check, status: "ok", what };
}

/** A problem that this program cannot be sure of. It does not make the verification fail. */
export function warning(check: CheckName, what: string): Check {
  return { check, status: "warning", what };
}

export function failed(check: CheckName, what: string): Check {
  return { check, status: "failed", what };
}

export function unchecked(check: CheckName, what: string): Check {
  return { check, status: "unchecked", what };
}
