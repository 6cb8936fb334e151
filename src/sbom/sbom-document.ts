import { unixSeconds } from "../support/index.js";

/** The image that a list of packages describes, and the program that made the list. */
export interface SbomSubject {
  /** Common part of the release's file names. */
  readonly name: string;
  readonly reference: string;
  /** Digest of the image manifest. */
  readonly digest: string;
  /** When the image was made (RFC 3339); undefined if it does not say. */
  readonly created: string | undefined;
  readonly program: { readonly name: string; readonly version: string };
}

/** A time in UTC with whole seconds, as SPDX requires; 1970 if the time is unknown. */
export function timestampOf(created: string | undefined): string {
  const time = new Date((unixSeconds(created) ?? 0) * 1000);
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}
