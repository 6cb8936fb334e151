import { isDeepStrictEqual } from "node:util";
import { artifactName, ImageTree, type KairosFacts, readKairosFacts } from "../kairos/index.js";
import { bcjFilterFor } from "../kernel/index.js";
import { DeferredOutput, display, type Flattening, fitsSquashfs } from "../layers/index.js";
import {
  type Compression,
  checkSquashfs,
  Mksquashfs,
  type MksquashfsVersion,
  needsNewestMtime,
  parseCompression,
  planSquashfs,
  type SquashfsPlan,
} from "../squashfs/index.js";
import type { CheckedOptions } from "./extract-options.js";

export interface RootFilesystemInput {
  readonly flattening: Flattening;
  readonly version: MksquashfsVersion;
  /** When the image was made; seconds. */
  readonly created: number;
  /** As OCI names it. */
  readonly architecture: string;
  readonly options: CheckedOptions;
  /** The squashfs to write. */
  readonly path: string;
  readonly signal: AbortSignal;
}

export interface RootFilesystem {
  /** Common part of the file names. */
  readonly name: string;
  readonly facts: KairosFacts;
  /** What it is compressed with: what was asked for, if the image's kernel can read that. */
  readonly compression: Compression;
}

/**
 * Builds the squashfs while the layers are read. mksquashfs is started with the first file that
 * comes by, and with what can be told by then of the image; if the rest of the image proves that
 * wrong, it is started over, with everything known.
 * @throws NetbootError
 */
export async function buildRootFilesystem(input: RootFilesystemInput): Promise<RootFilesystem> {
  const { flattening, version, options, signal } = input;
  const start = (plan: SquashfsPlan) =>
    Mksquashfs.start(version, plan, input.path, { processors: options.processors, signal });
  const detail = (text: string) => options.emit({ type: "message", level: "detail", text });

  let guess: SquashfsPlan | undefined;
  const early = new DeferredOutput(async () => {
    guess = (await planFor(input, undefined)).plan;
    return start(guess);
  });
  let mksquashfs: Mksquashfs | undefined;
  try {
    await flattening.readLayers(canForetell(input) ? early : undefined);
    mksquashfs = await early.opened;
    const tree = new ImageTree(flattening.tree.root);
    const facts = await readKairosFacts(tree, (inode) => flattening.read(inode), options);
    const name = options.name ?? artifactName(facts.release);
    announceBootFiles(facts, options);
    const { plan, compression } = await planFor(input, facts);
    if (mksquashfs !== undefined && !(flattening.isFaithful && isDeepStrictEqual(plan, guess))) {
      detail("Starting the squashfs over: the image is not as it seemed at first.");
      await mksquashfs.abort();
      flattening.restart();
      mksquashfs = undefined;
    }
    mksquashfs ??= await start(plan);
    await flattening.writeRest(mksquashfs);
    await mksquashfs.finish();
    await checkSquashfs(input.path, {
      inodes: flattening.shape.inodes,
      codec: compression.codec,
      blockSize: options.blockSize,
    });
    return { name, facts, compression };
  } catch (error) {
    await (mksquashfs ?? (await early.opened?.catch(() => undefined)))?.abort();
    throw error;
  }
}

function announceBootFiles({ kernel, initrd }: KairosFacts, { emit }: CheckedOptions): void {
  for (const [what, { file, reason }] of Object.entries({ kernel, initrd })) {
    const text = `Using ${display(file.path)} as the ${what}: ${reason}.`;
    emit({ type: "message", level: "info", text });
  }
}

/** Reproducible builders set `created` to 1970, which says nothing of the newest file. */
function canForetell({ version, created }: RootFilesystemInput): boolean {
  return !needsNewestMtime(version) || created > 0;
}

/** @param facts undefined as long as not all layers were read */
async function planFor(
  { version, flattening, options, created, architecture }: RootFilesystemInput,
  facts: KairosFacts | undefined,
): Promise<{ plan: SquashfsPlan; compression: Compression }> {
  const root = await flattening.rootAttributes();
  const compression = usableCompression(options, facts);
  const bcjFilter = bcjFilterFor(architecture, facts?.kernelConfig);
  const plan = planSquashfs(version, {
    compression,
    ...(bcjFilter === undefined ? {} : { bcjFilter }),
    blockSize: options.blockSize,
    created,
    newestMtime: flattening.newestMtime,
    root: {
      ...root,
      xattrs: new Map([...(root.xattrs ?? [])].filter(([name]) => fitsSquashfs(name))),
    },
  });
  return { plan, compression };
}

/** What to use where the image's kernel cannot read what was asked for, in this order. */
const fallbacks = ["gzip", "zstd", "xz", "lz4", "lzo"];

/** What was asked for, if the image's own kernel can read it; else gzip, which nearly all can. */
function usableCompression(options: CheckedOptions, facts: KairosFacts | undefined): Compression {
  const config = facts?.kernelConfig;
  const { codec } = options.compression;
  if (config?.hasNoSquashfs) {
    const text =
      "The image's kernel was built without squashfs: machines will hardly boot from it.";
    options.emit({ type: "message", level: "warning", text });
  }
  if (config === undefined || config.supportsSquashfs(codec)) return options.compression;
  const readable = fallbacks.map(parseCompression);
  const usable = readable.find((other) => config.supportsSquashfs(other.codec)) ?? readable[0]!;
  options.emit({
    type: "message",
    level: "warning",
    text: `The image's kernel cannot read a squashfs compressed with ${codec}; ${usable.codec} is used.`,
  });
  return usable;
}
