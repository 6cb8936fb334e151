import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { copyFile, link, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ByteString } from "../../tar/index.js";
import type { ContentLocation } from "../tree/tree-node.js";
import { type ContentSink, type Layer, type LayerVisitor, readLayer } from "./layer.js";

/** Where to store the contents of a file that may be needed later; undefined to skip the file. */
export type CaptureRule = (path: ByteString, size: number) => "memory" | "disk" | undefined;

/** Called with the path of a file in its layer, and that of a file on disk with its contents. */
export type CaptureListener = (path: ByteString, file: string) => void;

/** Captured contents: bytes in memory, or the path of a file. */
type Captured = Buffer | string;

/**
 * File contents that were saved while their layers streamed past, so that no layer has to be read
 * again for a kernel or a release file. The rule sees only the entry's own path, so it may capture
 * more files than are needed.
 */
export class CapturedFiles {
  readonly #rule: CaptureRule;
  readonly #directory: string;
  readonly #onCaptured: CaptureListener | undefined;
  readonly #captured = new Map<string, Captured>();

  /** @param directory scratch space, which the caller removes */
  constructor(rule: CaptureRule, directory: string, onCaptured?: CaptureListener) {
    this.#rule = rule;
    this.#directory = directory;
    this.#onCaptured = onCaptured;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
  }

  /** A sink for the file's contents if the rule selects the file. */
  sinkFor(path: ByteString, size: number, location: ContentLocation): ContentSink | undefined {
    const kind = this.#rule(path, size);
    if (kind === undefined) return undefined;
    if (kind === "memory") return this.#memorySink(location);
    return this.#diskSink(location, (file) => this.#onCaptured?.(path, file));
  }

  /** Reads the file's layer again if the file was not captured. */
  async ensure(layer: Layer, location: ContentLocation, signal: AbortSignal): Promise<void> {
    if (this.#captured.has(keyOf(location))) return;
    let isFound = false;
    const visitor: LayerVisitor = {
      entry: (_entry, ordinal) => {
        if (ordinal !== location.ordinal) return undefined;
        isFound = true;
        return this.#diskSink(location);
      },
      isSatisfied: () => isFound,
    };
    await readLayer(layer, visitor, signal);
  }

  read(location: ContentLocation): Buffer {
    const captured = this.#get(location);
    return typeof captured === "string" ? readFileSync(captured) : captured;
  }

  /** Path of a file with the contents, which must not be changed. */
  pathOf(location: ContentLocation): string {
    const captured = this.#get(location);
    if (typeof captured === "string") return captured;
    const path = join(this.#directory, keyOf(location));
    writeFileSync(path, captured);
    this.#captured.set(keyOf(location), path);
    return path;
  }

  /** Creates a file with the contents at a path in the same file system, as a hard link if possible. */
  async copyTo(location: ContentLocation, path: string): Promise<void> {
    const captured = this.pathOf(location);
    // Some file systems do not support hard links.
    await link(captured, path).catch(() => copyFile(captured, path));
  }

  #get(location: ContentLocation): Captured {
    const captured = this.#captured.get(keyOf(location));
    if (captured === undefined) throw new RangeError(`${keyOf(location)} was not captured`);
    return captured;
  }

  #memorySink(location: ContentLocation): ContentSink {
    const chunks: Buffer[] = [];
    return {
      write: (bytes) => chunks.push(Buffer.from(bytes)),
      end: () => this.#captured.set(keyOf(location), Buffer.concat(chunks)),
    };
  }

  #diskSink(location: ContentLocation, onEnd?: (file: string) => void): ContentSink {
    const path = join(this.#directory, keyOf(location));
    writeFileSync(path, "");
    return {
      // Opens the file each time: a layer may end in the middle of it, and then nothing would
      // close an open file.
      write: (bytes) => appendFileSync(path, bytes),
      end: () => {
        this.#captured.set(keyOf(location), path);
        onEnd?.(path);
      },
    };
  }
}

function keyOf({ layer, ordinal }: ContentLocation): string {
  return `${layer}-${ordinal}`;
}
