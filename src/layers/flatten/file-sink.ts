import type { ByteString } from "../../tar/index.js";
import type { ContentSink } from "../read/layer.js";
import type { InodeEntry } from "../tree/tree-node.js";
import type { CanonicalTarWriter } from "./tar-writer.js";
import type { WriteProgress } from "./write-progress.js";

/** Writes the header of a file and returns the sink for its contents. */
export function startFile(
  writer: CanonicalTarWriter,
  path: ByteString,
  entry: InodeEntry,
  progress: WriteProgress,
): ContentSink {
  writer.inode(path, entry);
  return {
    write: (bytes) => {
      writer.content(bytes);
      progress.add(bytes.length);
    },
    end: () => writer.endFile(),
  };
}

/** Passes the contents to both sinks. */
export function tee(first: ContentSink, second: ContentSink | undefined): ContentSink {
  if (second === undefined) return first;
  return {
    write: (bytes) => {
      first.write(bytes);
      second.write(bytes);
    },
    end: () => {
      first.end();
      second.end();
    },
  };
}
