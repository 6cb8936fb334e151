import { createHash } from "node:crypto";
import { FormatError, type TarEntry, TarReader } from "../../../src/tar/index.js";

/** What came of reading an archive: entries with digests of their contents, or what was wrong. */
export interface Reading {
  readonly entries: readonly { entry: TarEntry; sha256: string }[];
  /** The message of a FormatError; other errors are thrown. */
  readonly refusal?: string;
}

/** Contents beyond this are not read: a small archive may claim a very large hole. */
const enough = 4 * 1024 * 1024;

/** @param pieces the archive, cut in any way */
export function readArchive(pieces: Iterable<Buffer>): Reading {
  const reader = new TarReader();
  const entries: { entry: TarEntry; sha256: string }[] = [];
  let current: TarEntry | undefined;
  let hash = createHash("sha256");
  let length = 0;
  try {
    for (const piece of pieces) {
      for (const event of reader.push(piece)) {
        if (event.kind === "entry") {
          if (current !== undefined) throw new Error("an entry begins in another");
          current = event.entry;
          hash = createHash("sha256");
          length = 0;
        } else if (current === undefined) {
          throw new Error(`${event.kind} without an entry`);
        } else if (event.kind === "content") {
          length += event.bytes.length;
          if (length > current.size) throw new Error("more contents than the entry says");
          if (length > enough) return { entries, refusal: "a very large hole" };
          hash.update(event.bytes);
        } else {
          if (length !== current.size) throw new Error("fewer contents than the entry says");
          entries.push({ entry: current, sha256: hash.digest("hex") });
          current = undefined;
        }
      }
    }
    reader.finish();
    return { entries };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { entries, refusal: error.message };
  }
}
