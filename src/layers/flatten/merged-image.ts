import type { CapturedFiles } from "../read/captured-files.js";
import type { Tree } from "../tree/tree.js";
import type { Directory, Inode } from "../tree/tree-node.js";
import type { FlattenOptions } from "./flatten-options.js";
import { RemainingOutput } from "./remaining-output.js";
import { WritePlan } from "./write-plan.js";
import type { WriteProgress } from "./write-progress.js";
import { WrittenFiles } from "./written-files.js";

/** What `TopDownPass` hands over. */
export interface MergedImageInput {
  readonly options: FlattenOptions;
  readonly tree: Tree;
  readonly newestMtime: number;
  readonly captured: CapturedFiles;
  readonly written: WrittenFiles;
  readonly progress: WriteProgress;
}

/**
 * The second step of flattening: the merged tree, and the choice between completing the early
 * output and starting over with an empty one.
 *
 * Invariant: the tree no longer changes, and every file in it can be read until the caller removes
 * the scratch space, also after the output is complete.
 */
export class MergedImage {
  readonly #input: MergedImageInput;
  /** True if the merged tree contains every file of the early output at the path it has there. */
  readonly matchesEarlyOutput: boolean;

  constructor(input: MergedImageInput) {
    this.#input = input;
    this.matchesEarlyOutput = input.written.matches(input.tree.root);
  }

  get root(): Directory {
    return this.#input.tree.root;
  }

  /** Newest modification time in all layers, in seconds; 0 if there is none. */
  get newestMtime(): number {
    return this.#input.newestMtime;
  }

  /**
   * Plans what the early output lacks.
   * @throws RangeError unless `matchesEarlyOutput`
   * @throws NetbootError DEVICE_UNSUPPORTED
   */
  continueOutput(): RemainingOutput {
    if (!this.matchesEarlyOutput) throw new RangeError("the early output does not match the tree");
    return this.#plan(this.#input.written);
  }

  /**
   * Plans the whole tar, for an output that is still empty.
   * @throws NetbootError DEVICE_UNSUPPORTED
   */
  startOver(): RemainingOutput {
    this.#input.progress.reset();
    return this.#plan(new WrittenFiles());
  }

  #plan(written: WrittenFiles): RemainingOutput {
    const { options, tree, progress } = this.#input;
    return new RemainingOutput(options, new WritePlan(tree, written, options.limits), progress);
  }

  /** Contents of a small file; reads its layer again if they were not captured. */
  async read(inode: Inode): Promise<Buffer> {
    await this.#ensureCaptured(inode);
    return this.#input.captured.read(inode);
  }

  /** Path of a file in the scratch space with the contents; reads its layer again if necessary. */
  async pathOf(inode: Inode): Promise<string> {
    await this.#ensureCaptured(inode);
    return this.#input.captured.pathOf(inode);
  }

  /** Writes a file's contents to a path in the file system of the scratch space. */
  async copyTo(inode: Inode, path: string): Promise<void> {
    await this.#ensureCaptured(inode);
    await this.#input.captured.copyTo(inode, path);
  }

  async #ensureCaptured(inode: Inode): Promise<void> {
    const { captured, options } = this.#input;
    const layer = options.layers[inode.layer];
    if (layer === undefined) throw new RangeError(`the image has no layer ${inode.layer}`);
    await captured.ensure(layer, inode, options.signal);
  }
}
