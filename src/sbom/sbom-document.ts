import { unixSeconds } from "../support/index.js";

/** What a list of packages is about, and who made it. */
export interface SbomSubject {
  /** Common to the release's file names. */
  readonly name: string;
  readonly reference: string;
  /** Of the image manifest. */
  readonly digest: string;
  /** When the image was made (RFC 3339); undefined where it does not say. */
  readonly created: string | undefined;
  readonly program: { readonly name: string; readonly version: string };
}

/** In whole seconds and in UTC, as SPDX wants it; nothing is known before 1970. */
export function timestampOf(created: string | undefined): string {
  const time = new Date((unixSeconds(created) ?? 0) * 1000);
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}
