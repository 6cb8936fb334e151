import { existsSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import {
  type Descriptor,
  type ImageReader,
  type ImageRoot,
  type Index,
  type Platform,
  parseManifest,
  type ResolvedImage,
  type ResolveOptions,
  resolveImage,
} from "../oci-client/index.js";
import { NetbootError, systemCode } from "../support/index.js";
import type { Blob } from "./blob.js";
import { verifyFile } from "./download.js";
import { FileBlob } from "./file-blob.js";
import type { AttachedSignatures, ImageSource, SourceOptions } from "./image-source.js";
import { isSignatures, LayoutSignatures } from "./layout-signatures.js";
import { translated } from "./translate-error.js";

const refName = "org.opencontainers.image.ref.name";
const largestIndex = 4 * 1024 * 1024;

/** An image in a directory (OCI image-spec, image-layout.md), written as skopeo does: `oci:DIR[:TAG]`. */
export class OciLayoutSource implements ImageSource {
  readonly reference: string;
  readonly #directory: string;
  readonly #tag: string | undefined;
  readonly #options: SourceOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #blobs = new Map<string, FileBlob>();

  /** @param text what follows `oci:` */
  constructor(text: string, options: SourceOptions) {
    this.reference = `oci:${text}`;
    const { directory, tag } = splitTag(text);
    this.#directory = directory;
    this.#tag = tag;
    this.#options = options;
    this.#limit = pLimit(options.concurrency);
  }

  async resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage> {
    const root = await this.#root();
    const { signal } = this.#options;
    const options = { signal, ...(approve && { approve }) };
    return translated(() => resolveImage(this.#reader(), root, platform, options));
  }

  get signatures(): AttachedSignatures {
    return new LayoutSignatures({
      index: async () => parseIndex(await this.#readIndex(), this.#directory),
      read: (digest, maxBytes) => this.#readBlob(digest, maxBytes),
    });
  }

  /** Nothing is copied, so nothing needs room. */
  async reserve(): Promise<void> {}

  fetch(descriptor: Descriptor): Blob {
    // Images happen to have one layer twice.
    const known = this.#blobs.get(descriptor.digest);
    if (known !== undefined) return known;
    const path = this.#pathOf(descriptor.digest);
    const checked = translated(async () => {
      await this.#assertPresent(descriptor);
      this.#options.onProgress?.(descriptor, descriptor.size, true);
      await this.#limit(() => verifyFile(path, descriptor, this.#options.signal));
    });
    const blob = new FileBlob(descriptor, path, checked);
    this.#blobs.set(descriptor.digest, blob);
    return blob;
  }

  /** Nothing is kept: a damaged blob is an error of its own here. */
  async dropDamaged(): Promise<undefined> {}

  async close(): Promise<void> {}

  #pathOf(digest: string): string {
    return join(this.#directory, "blobs", ...digest.split(":"));
  }

  #reader(): ImageReader {
    return {
      manifest: async ({ digest }) => {
        // resolveImage asks by tag only for the root, and `#root` gives it one where the layout
        // itself is the index.
        if (digest === undefined) return { bytes: await this.#readIndex() };
        return { bytes: await this.#readBlob(digest, largestIndex) };
      },
      smallBlob: (descriptor, maxBytes) => this.#readBlob(descriptor.digest, maxBytes),
    };
  }

  /** The manifest or index that the tag names, or the only one there is. */
  async #root(): Promise<ImageRoot> {
    const all = parseIndex(await this.#readIndex(), this.#directory);
    // cosign save puts the signatures beside the image.
    const index = { ...all, manifests: all.manifests.filter((it) => !isSignatures(it)) };
    if (this.#tag === undefined) {
      const names = namesIn(index);
      if (index.manifests.length === 1) return index.manifests[0]!;
      if (names.length === 0) return "index.json";
      throw invalid(
        `The OCI layout ${this.#directory} holds several images: ${names.join(", ")}.`,
        `Name one, for example oci:${this.#directory}:${names[0]}.`,
      );
    }
    const found = index.manifests.find(
      ({ annotations, digest }) => annotations?.[refName] === this.#tag || digest === this.#tag,
    );
    if (found !== undefined) return found;
    throw new NetbootError(
      "IMAGE_NOT_FOUND",
      `The OCI layout ${this.#directory} holds no image ${this.#tag}.`,
      `It holds: ${namesIn(index).join(", ") || "images without a name"}.`,
    );
  }

  async #readIndex(): Promise<Buffer> {
    const path = join(this.#directory, "index.json");
    try {
      if ((await stat(path)).size > largestIndex) throw new RangeError("index.json is too large");
      return await readFile(path);
    } catch (error) {
      throw invalid(
        `${this.#directory} is not an OCI layout: its index.json cannot be read (${systemCode(error) ?? (error as Error).message}).`,
        "Make one with: skopeo copy docker://IMAGE oci:DIR:TAG",
        error,
      );
    }
  }

  async #readBlob(digest: string, maxBytes: number): Promise<Buffer> {
    const path = this.#pathOf(digest);
    await this.#assertPresent({ digest });
    // The caller checks size and digest; this is a bound for what it holds in memory.
    if ((await stat(path)).size > maxBytes) throw this.#damaged(digest, "is too large");
    return readFile(path);
  }

  async #assertPresent({ digest, size }: { digest: string; size?: number }): Promise<void> {
    const present = await stat(this.#pathOf(digest)).catch(() => undefined);
    if (present === undefined || !present.isFile()) {
      throw new NetbootError(
        "BLOB_NOT_FOUND",
        `The OCI layout ${this.#directory} lacks the blob ${digest}.`,
        "Copy the image again; the copy was not complete.",
      );
    }
    if (size !== undefined && present.size !== size) {
      throw this.#damaged(digest, `has ${present.size} bytes instead of ${size}`);
    }
  }

  #damaged(digest: string, problem: string): NetbootError {
    return new NetbootError(
      "BLOB_MISMATCH",
      `The blob ${digest} in ${this.#directory} ${problem}.`,
      "Copy the image again.",
    );
  }
}

/** `DIR`, `DIR:TAG` or `DIR@DIGEST`; a directory whose own name holds a colon is found, too. */
function splitTag(text: string): { directory: string; tag?: string } {
  const digest = /^(.*)@(sha256:[0-9a-f]{64})$/.exec(text);
  if (digest !== null) return { directory: digest[1]!, tag: digest[2]! };
  if (isDirectory(text)) return { directory: text };
  const colons = [...text.matchAll(/:/g)].map(({ index }) => index);
  // Tags may be whole references, and hold colons too; skopeo splits at the first.
  const colon = colons.reverse().find((at) => isDirectory(text.slice(0, at))) ?? colons.at(-1);
  if (colon === undefined) return { directory: text };
  const directory = text.slice(0, colon);
  return colon === text.length - 1 ? { directory } : { directory, tag: text.slice(colon + 1) };
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function parseIndex(bytes: Buffer, directory: string): Index {
  let parsed: ReturnType<typeof parseManifest> | undefined;
  let cause: unknown;
  try {
    parsed = parseManifest(bytes);
  } catch (error) {
    cause = error;
  }
  if (parsed?.kind === "index") return parsed;
  throw invalid(
    `The index.json of ${directory} is not an OCI image index.`,
    "Make a layout with: skopeo copy docker://IMAGE oci:DIR:TAG",
    cause,
  );
}

function namesIn(index: Index): string[] {
  return index.manifests
    .map(({ annotations }) => annotations?.[refName])
    .filter((name) => name !== undefined);
}

function invalid(message: string, hint: string, cause?: unknown): NetbootError {
  return new NetbootError("LAYOUT_INVALID", message, hint, { cause });
}
