import { rm } from "node:fs/promises";
import { join } from "node:path";
import { estimateMemory } from "../artifacts/index.js";
import { summarizeRelease } from "../kairos/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import {
  findWeaknesses,
  type ImageSignature,
  openVerifier,
  requireSignature,
  type SignatureVerifier,
} from "../signatures/index.js";
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
  const checked = await checkInspectOptions(options);
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw interrupted();
  const verifier = await openRequiredVerifier(checked, signal);
  return retryDamaged(
    () => attempt(checked, verifier, signal),
    (text) => checked.tell("warning", text),
  );
}

async function openRequiredVerifier(
  options: CheckedInspectOptions,
  signal: AbortSignal,
): Promise<SignatureVerifier | undefined> {
  const { requiredSignature: required, cacheDirectory, tell } = options;
  if (required === undefined) return undefined;
  for (const text of findWeaknesses(required)) tell("warning", text);
  return openVerifier(required, { cacheDirectory, signal });
}

/** Leaves nothing behind except in the cache. */
async function attempt(
  options: CheckedInspectOptions,
  verifier: SignatureVerifier | undefined,
  signal: AbortSignal,
): Promise<Inspection> {
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
    let signature: ImageSignature | undefined;
    const approve = requireSignature(source.signatures, verifier, (found) => {
      signature = found;
    });
    const image = await source.resolve(options.platform, approve);
    const onMessage = (text: string) => options.tell("info", text);
    const { signal } = controller;
    const findings = await readUpperLayers({ image, source, scratch, signal, onMessage });
    for (const text of findings.facts.warnings) options.tell("warning", text);
    const bytes = [...fetched.values()].reduce((sum, present) => sum + present, 0);
    return describeImage({ source, image, signature, findings, fetchedBytes: bytes });
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

interface Findings {
  readonly source: ImageSource;
  readonly image: ResolvedImage;
  readonly signature: ImageSignature | undefined;
  readonly findings: LayerFindings;
  readonly fetchedBytes: number;
}

function describeImage(found: Findings): Inspection {
  const { source, image, signature, findings, fetchedBytes } = found;
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
    signature: signature === undefined ? null : { ...signature, signer: signature.signer ?? null },
    layers,
    size: sizeOf(layers),
    name: facts.name ?? null,
    kairos: summarizeRelease(facts.release),
    ...describeBootFiles(image, facts, contentBytes),
    fetched: { bytes: fetchedBytes, read: sizeOf(read) },
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
