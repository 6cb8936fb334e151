import { isDeepStrictEqual } from "node:util";
import {
  artifactName,
  findProgram,
  ImageTree,
  type KairosFacts,
  readKairosFacts,
} from "../kairos/index.js";
import {
  type DirectoryAttributes,
  LazyOutput,
  type MergedImage,
  type TopDownPass,
} from "../layers/index.js";
import type { Platform } from "../oci-client/index.js";
import {
  bcjFilterFor,
  checkSquashfs,
  chooseReadableCompression,
  lacksSquashfs,
  Mksquashfs,
  type MksquashfsVersion,
  needsNewestMtime,
  planSquashfs,
  type SquashfsCompression,
  type SquashfsPlan,
  squashfsLimits,
} from "../squashfs/index.js";
import { display } from "../tar/index.js";
import { checkAssumedPlatform } from "./assumed-platform.js";
import type { CheckedOptions } from "./check-options.js";
import type { InitrdCheck } from "./initrd-check.js";

export interface RootFilesystemInput {
  /** Not run yet. */
  readonly pass: TopDownPass;
  readonly initrdCheck: InitrdCheck;
  readonly version: MksquashfsVersion;
  /** When the image was made; seconds. */
  readonly created: number;
  readonly platform: Platform;
  /** Whether the image does not say its architecture, so that its programs have to be looked at. */
  readonly isArchitectureAssumed: boolean;
  readonly options: CheckedOptions;
  /** The squashfs to write. */
  readonly path: string;
  readonly signal: AbortSignal;
}

export interface RootFilesystem {
  /** Common part of the file names. */
  readonly name: string;
  readonly facts: KairosFacts;
  readonly merged: MergedImage;
  /** The wanted compression if the image's kernel can read it, otherwise another one. */
  readonly compression: SquashfsCompression;
}

/**
 * Builds the squashfs while the layers are read. mksquashfs starts when the first file streams past,
 * with options that are based on the part of the image that has been read. If the rest of the image
 * contradicts them, mksquashfs starts over with everything known.
 * @throws NetbootError
 */
export async function buildRootFilesystem(input: RootFilesystemInput): Promise<RootFilesystem> {
  const { pass, version, options, signal } = input;
  const start = (plan: SquashfsPlan) =>
    Mksquashfs.start(version, plan, input.path, { processors: options.jobs.processors, signal });
  const detail = (text: string) => options.emit({ type: "message", level: "detail", text });

  let guess: SquashfsPlan | undefined;
  const early = new LazyOutput(async () => {
    const root = await pass.predictRootAttributes();
    guess = planFor(input, { root, newestMtime: pass.newestMtime }, undefined).plan;
    return start(guess);
  });
  let mksquashfs: Mksquashfs | undefined;
  try {
    const merged = await pass.run(canPredictTimes(input) ? early : undefined);
    mksquashfs = await early.opened;
    const tree = new ImageTree(merged.root);
    if (input.isArchitectureAssumed) await confirmPlatform(input, tree, merged);
    const facts = await readKairosFacts(tree, merged, options);
    const name = options.name ?? artifactName(facts.release);
    announceBootFiles(facts, options);
    const initrdChecked = input.initrdCheck.warn(facts, merged, options);
    // If it fails, so does this function, but not before mksquashfs has ended.
    initrdChecked.catch(() => {});
    const traits = { root: merged.root.attributes, newestMtime: merged.newestMtime };
    const { plan, compression } = planFor(input, traits, facts);
    if (
      mksquashfs !== undefined &&
      !(merged.matchesEarlyOutput && isDeepStrictEqual(plan, guess))
    ) {
      detail(
        "Starting the squashfs over: the rest of the image contradicts the first assumptions.",
      );
      await mksquashfs.abort();
      mksquashfs = undefined;
    }
    const remaining = mksquashfs === undefined ? merged.startOver() : merged.continueOutput();
    mksquashfs ??= await start(plan);
    await remaining.writeTo(mksquashfs);
    await mksquashfs.finish();
    await checkSquashfs(input.path, {
      inodes: remaining.inodes,
      compressor: compression.compressor,
      blockSize: options.blockSize,
    });
    await initrdChecked;
    return { name, facts, merged, compression };
  } catch (error) {
    await (mksquashfs ?? (await early.opened?.catch(() => undefined)))?.abort();
    throw error;
  }
}

async function confirmPlatform(
  { platform, options }: RootFilesystemInput,
  tree: ImageTree,
  merged: MergedImage,
): Promise<void> {
  const program = await findProgram(tree, merged);
  const warning = checkAssumedPlatform(platform, program);
  if (warning !== undefined) options.emit({ type: "message", level: "warning", text: warning });
}

function announceBootFiles({ kernel, initrd }: KairosFacts, { emit }: CheckedOptions): void {
  for (const [what, { file, reason }] of Object.entries({ kernel, initrd })) {
    const text = `Using ${display(file.path)} as the ${what}: ${reason}.`;
    emit({ type: "message", level: "info", text });
  }
}

/** Reproducible builders set `created` to 1970, which does not bound the time of the newest file. */
function canPredictTimes({ version, created }: RootFilesystemInput): boolean {
  return !needsNewestMtime(version) || created > 0;
}

/** @param facts undefined until all layers have been read */
function planFor(
  { version, options, created, platform: { architecture } }: RootFilesystemInput,
  { root, newestMtime }: { root: DirectoryAttributes; newestMtime: number },
  facts: KairosFacts | undefined,
): { plan: SquashfsPlan; compression: SquashfsCompression } {
  const compression = usableCompression(options, facts);
  const bcjFilter = bcjFilterFor(architecture, facts?.kernelConfig);
  const plan = planSquashfs(version, {
    compression,
    ...(bcjFilter === undefined ? {} : { bcjFilter }),
    blockSize: options.blockSize,
    created,
    newestMtime,
    root: {
      ...root,
      xattrs: new Map(
        [...(root.xattrs ?? [])].filter(([name]) => squashfsLimits.supportsXattr(name)),
      ),
    },
  });
  return { plan, compression };
}

/** The requested compression, or another one if the image's kernel cannot read that. */
function usableCompression(
  options: CheckedOptions,
  facts: KairosFacts | undefined,
): SquashfsCompression {
  const config = facts?.kernelConfig;
  const requested = options.compression;
  if (config === undefined) return requested;
  if (lacksSquashfs(config)) {
    const text =
      "The image's kernel was built without squashfs, so machines will probably fail to boot.";
    options.emit({ type: "message", level: "warning", text });
  }
  const usable = chooseReadableCompression(requested, config);
  if (usable === requested) return requested;
  options.emit({
    type: "message",
    level: "warning",
    text: `The image's kernel cannot read a squashfs compressed with ${requested.compressor}, so ${usable.compressor} is used.`,
  });
  return usable;
}
