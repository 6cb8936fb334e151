import { rm } from "node:fs/promises";
import { join } from "node:path";
import { estimateMemory } from "../artifacts/index.js";
import { summarizeRelease } from "../kairos/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import { findDamage, type ImageSource, openSource, retryDamaged } from "../sources/index.js";
import {
  createScratchDirectory,
  diskFull,
  interrupted,
  programVersion,
  scratchParent,
} from "../support/index.js";
import { display } from "../tar/index.js";
import type { BootFacts } from "./boot-facts.js";
import { estimateSquashfs } from "./estimate-squashfs.js";
import {
  type CheckedInspectOptions,
  checkInspectOptions,
  type InspectOptions,
} from "./inspect-options.js";
import type { Inspection } from "./inspection.js";
import { type LayerFindings, readUpperLayers } from "./read-upper-layers.js";

/**
 * Describes an image and what `extract` would make of it. Fetches as few layers as possible, from the
 * top down.
 * @throws NetbootError with any code; INTERRUPTED if the signal is aborted
 */
export async function inspect(options: InspectOptions): Promise<Inspection> {
  const checked = checkInspectOptions(options);
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw interrupted();
  return retryDamaged(
    () => attempt(checked, signal),
    (text) => checked.tell("warning", text),
  );
}

/** Leaves nothing behind except in the cache. */
async function attempt(options: CheckedInspectOptions, signal: AbortSignal): Promise<Inspection> {
  const scratch = await createScratchDirectory();
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal.addEventListener("abort", stop, { once: true });
  const fetched = new Map<string, number>();
  const source = openSource(options.image, {
    cacheDirectory: options.cacheDirectory ?? join(scratch, "cache"),
    scratchDirectory: join(scratch, "source"),
    concurrency: 1,
    registry: options.registry,
    retry: { totalMs: options.retryTimeoutMs },
    userAgent: `kairos-netboot/${programVersion()}`,
    signal: controller.signal,
    onProgress: ({ digest }, present, isCached) => fetched.set(digest, isCached ? 0 : present),
    onWarning: (text) => options.tell("warning", text),
    onNotice: (text) => options.tell("info", text),
    onDetail: (text) => options.tell("detail", text),
  });
  try {
    const image = await source.resolve(options.platform);
    const onMessage = (text: string) => options.tell("info", text);
    const { signal } = controller;
    const findings = await readUpperLayers({ image, source, scratch, signal, onMessage });
    for (const text of findings.facts.warnings) options.tell("warning", text);
    const bytes = [...fetched.values()].reduce((sum, present) => sum + present, 0);
    return describeImage(source, image, findings, bytes);
  } catch (error) {
    if (signal.aborted) throw interrupted();
    throw (await findDamage(error, source)) ?? diskFull(error, scratchParent());
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
    await source.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

function describeImage(
  source: ImageSource,
  image: ResolvedImage,
  findings: LayerFindings,
  fetched: number,
): Inspection {
  const { platform, platforms = [platform], manifest } = image;
  const { facts, lowestLayer, contentBytes } = findings;
  const layers = manifest.layers.map(({ digest, size }, number) => {
    return { digest, size, isRead: number >= lowestLayer };
  });
  const read = layers.filter(({ isRead }) => isRead);
  return {
    reference: source.reference,
    manifestDigest: image.digest,
    indexDigest: image.indexDigest ?? null,
    platform: formatPlatform(platform),
    platforms: [...new Set(platforms.map(formatPlatform))],
    created: image.config.created ?? null,
    layers,
    size: sizeOf(layers),
    name: facts.name ?? null,
    kairos: summarizeRelease(facts.release),
    ...describeBootFiles(image, facts, contentBytes),
    fetched: { bytes: fetched, read: sizeOf(read) },
    problems: facts.problems.map(({ code, message, hint }) => ({ code, message, hint })),
  };
}

function describeBootFiles(
  image: ResolvedImage,
  { files }: BootFacts,
  contentBytes: number | undefined,
): Pick<Inspection, "kernel" | "initrd" | "estimate"> {
  if (files === undefined) return { kernel: null, initrd: null, estimate: null };
  const { version } = files.kernel;
  const kernel = files.kernel.file;
  const initrd = files.initrd.file;
  const boot = {
    kernel: { size: kernel.inode.entry.size },
    initrd: { size: initrd.inode.entry.size },
  };
  const bootFileBytes = sizeOf(Object.values(boot));
  const squashfs = estimateSquashfs({ image, contentBytes, bootFileBytes });
  const sizes = { ...boot, squashfs: { size: squashfs } };
  return {
    kernel: { path: display(kernel.path), version: version ?? null, ...sizes.kernel },
    initrd: { path: display(initrd.path), ...sizes.initrd },
    estimate: {
      squashfs,
      output: sizeOf(Object.values(sizes)),
      memory: estimateMemory(sizes),
    },
  };
}

function sizeOf(items: readonly { readonly size: number }[]): number {
  return items.reduce((sum, { size }) => sum + size, 0);
}
