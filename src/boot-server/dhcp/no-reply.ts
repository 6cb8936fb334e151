import type { BootClient } from "./boot-client.js";

/** The decision to leave a message unanswered. */
export interface NoReply {
  readonly kind: "no-reply";
  readonly client?: BootClient;
  readonly reason: string;
  /** True if the user may want to know: the log shows it without `--verbose`. */
  readonly isNotable: boolean;
}

export function noReply(reason: string, isNotable = false): NoReply {
  return { kind: "no-reply", reason, isNotable };
}
