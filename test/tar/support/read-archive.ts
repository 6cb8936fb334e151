import { createHash } from "node:crypto";
import { FormatError, type TarEntry, TarReader } from "../../../src/tar/index.js";

/** The result of reading an archive: entries with digests of their contents, or an error. */
export interface Reading {
  readonly entries: readonly { entry: TarEntry; sha256: string }[];
  /** The message of a FormatError; other errors are thrown. */
  readonly refusal?: string;
}

/** Limit for the contents of a file: a small archive may claim a very large hole. */
const maxContentBytes = 4 * 1024 * 1024;

/** @param pieces the archive, split anywhere */
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
          if (current !== undefined) throw new Error("an entry starts inside another one");
          current = event.entry;
          hash = createHash("sha256");
          length = 0;
        } else if (current === undefined) {
          throw new Error(`${event.kind} without an entry`);
        } else if (event.kind === "content") {
          length += event.bytes.length;
          if (length > current.size)
            throw new Error("the contents are longer than the entry's size");
          if (length > maxContentBytes) return { entries, refusal: "a very large hole" };
          hash.update(event.bytes);
        } else {
          if (length !== current.size)
            throw new Error("the contents are shorter than the entry's size");
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
