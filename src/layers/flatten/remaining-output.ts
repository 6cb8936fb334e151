import { display } from "../../tar/index.js";
import { type Layer, type LayerVisitor, readLayer } from "../read/layer.js";
import { startFile } from "./file-sink.js";
import type { FlattenOptions } from "./flatten-options.js";
import { CanonicalTarWriter, type TarOutput } from "./tar-writer.js";
import type { WritePlan } from "./write-plan.js";
import type { WriteProgress } from "./write-progress.js";

/**
 * The last step of flattening: writes everything that the output lacks, in an order that depends
 * on the tree alone.
 *
 * Invariant: the output contains exactly the files that the plan counts as written; call `writeTo`
 * once.
 */
export class RemainingOutput {
  readonly #options: FlattenOptions;
  readonly #plan: WritePlan;
  readonly #progress: WriteProgress;

  constructor(options: FlattenOptions, plan: WritePlan, progress: WriteProgress) {
    this.#options = options;
    this.#plan = plan;
    this.#progress = progress;
  }

  /** Number of inodes in the complete file system, including the root directory. */
  get inodes(): number {
    return this.#plan.inodes;
  }

  /**
   * Writes the remaining entries, except the root directory, and the end of the archive.
   * @throws NetbootError as `readLayer`, and what the output throws
   */
  async writeTo(output: TarOutput): Promise<void> {
    this.#warnOfDroppedXattrs();
    const writer = new CanonicalTarWriter(output, this.#options.limits);
    this.#progress.setTotal(this.#plan.contentBytes);
    for (const layer of this.#options.layers) await this.#writeContents(layer, writer, output);
    for (const _ of this.#plan.writeNames(writer)) {
      const ready = output.ready();
      if (ready !== undefined) await ready;
    }
    writer.end();
  }

  #warnOfDroppedXattrs(): void {
    const { droppedXattrs } = this.#plan;
    if (droppedXattrs.size === 0) return;
    const names = [...droppedXattrs].map(display).join(", ");
    this.#options.onWarning?.(`Squashfs cannot store these extended attributes: ${names}.`);
  }

  async #writeContents(layer: Layer, writer: CanonicalTarWriter, output: TarOutput): Promise<void> {
    const unwritten = this.#plan.unwritten.get(layer.number);
    if (unwritten === undefined) return;
    let missing = unwritten.size;
    const visitor: LayerVisitor = {
      entry: (_entry, ordinal) => {
        const file = unwritten.get(ordinal);
        if (file === undefined) return undefined;
        missing -= 1;
        return startFile(writer, file.path, file.inode.entry, this.#progress);
      },
      ready: () => output.ready(),
      isSatisfied: () => missing === 0,
    };
    await readLayer(layer, visitor, this.#options.signal);
  }
}
