import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { copyFile, link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ByteString } from "../../tar/index.js";
import type { ContentLocation } from "../tree/tree-node.js";
import { type ContentSink, type Layer, type LayerVisitor, readLayer } from "./layer.js";

/** Where a file that may be wanted later is kept as it passes by; not at all if undefined. */
export type KeepRule = (path: ByteString, size: number) => "memory" | "disk" | undefined;

/**
 * Contents that were set aside while layers were read, so that a layer need not be read again
 * for a kernel or a release file. A rule goes by the entry's own path and may keep too much.
 */
export class KeptFiles {
  readonly #rule: KeepRule;
  readonly #directory: string;
  readonly #memory = new Map<string, Buffer>();
  readonly #paths = new Map<string, string>();

  /** @param directory scratch space that the caller removes */
  constructor(rule: KeepRule, directory: string) {
    this.#rule = rule;
    this.#directory = directory;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
  }

  /** A sink for the file where the rule wants it, undefined otherwise. */
  sinkFor(path: ByteString, size: number, location: ContentLocation): ContentSink | undefined {
    const kind = this.#rule(path, size);
    if (kind === undefined) return undefined;
    return kind === "memory" ? this.#memorySink(location) : this.diskSink(location);
  }

  has(location: ContentLocation): boolean {
    return this.#memory.has(key(location)) || this.#paths.has(key(location));
  }

  /** Reads a layer again for a file that was not kept. */
  async ensure(layer: Layer, location: ContentLocation, signal: AbortSignal): Promise<void> {
    if (this.has(location)) return;
    let isFound = false;
    const visitor: LayerVisitor = {
      entry: (_entry, ordinal) => {
        if (ordinal !== location.ordinal) return undefined;
        isFound = true;
        return this.diskSink(location);
      },
      isSatisfied: () => isFound,
    };
    await readLayer(layer, visitor, signal);
  }

  read(location: ContentLocation): Buffer {
    return this.#memory.get(key(location)) ?? readFileSync(this.#paths.get(key(location))!);
  }

  /** Puts the contents at a path in the same file system; what is on disk takes no space twice. */
  async putAt(location: ContentLocation, path: string): Promise<void> {
    const kept = this.#paths.get(key(location));
    if (kept === undefined) await writeFile(path, this.#memory.get(key(location))!);
    // Some file systems have no hard links.
    else await link(kept, path).catch(() => copyFile(kept, path));
  }

  #memorySink(location: ContentLocation): ContentSink {
    const chunks: Buffer[] = [];
    return {
      write: (bytes) => chunks.push(Buffer.from(bytes)),
      end: () => this.#memory.set(key(location), Buffer.concat(chunks)),
    };
  }

  diskSink(location: ContentLocation): ContentSink {
    const path = join(this.#directory, key(location));
    writeFileSync(path, "");
    return {
      // Opened each time: a layer may end in the middle of a file, and nobody would close it.
      write: (bytes) => appendFileSync(path, bytes),
      end: () => this.#paths.set(key(location), path),
    };
  }
}

function key({ layer, ordinal }: ContentLocation): string {
  return `${layer}-${ordinal}`;
}
