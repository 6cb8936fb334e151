import {
  type ImageReader,
  type ImageRoot,
  type Index,
  parseManifest,
} from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import { type FileSlice, type ImageFiles, readSlice } from "../image-source/file-slice.js";
import type { AttachedSignatures, SourceOptions } from "../image-source/image-source.js";
import { isSignatures, LayoutSignatures } from "./layout-signatures.js";
import { LocalSource } from "./local-source.js";

const refName = "org.opencontainers.image.ref.name";
const largestIndex = 4 * 1024 * 1024;

export interface OciLayoutLocation {
  /** As it was written, with its transport. */
  readonly reference: string;
  /** For messages: `OCI layout`, and where it is. */
  readonly kind: string;
  readonly where: string;
  /** The reference without the tag; undefined where a tag cannot be given. */
  readonly untagged: string | undefined;
  /** A name or a digest. */
  readonly tag?: string | undefined;
  /** Opens it. */
  readonly files: () => Promise<ImageFiles>;
}

/** An image in an OCI layout (OCI image-spec, image-layout.md), a directory or an archive of one. */
export class OciLayoutSource extends LocalSource {
  readonly reference: string;
  protected readonly kind: string;
  protected readonly where: string;
  readonly #place: OciLayoutLocation;
  #files: ImageFiles | undefined;

  constructor(place: OciLayoutLocation, options: SourceOptions) {
    super(options);
    this.#place = place;
    this.reference = place.reference;
    this.kind = place.kind;
    this.where = place.where;
  }

  /** The manifest or index that the tag names, or the only one there is. */
  protected async root(): Promise<ImageRoot> {
    this.#files = await this.#place.files();
    const all = this.#parseIndex(await this.#readIndex());
    // cosign save puts the signatures beside the image.
    const index = { ...all, manifests: all.manifests.filter((it) => !isSignatures(it)) };
    const { tag, untagged } = this.#place;
    if (tag === undefined) {
      const names = namesIn(index);
      if (index.manifests.length === 1) return index.manifests[0]!;
      if (names.length === 0) return "index.json";
      throw invalid(
        `The ${this.kind} ${this.where} holds several images: ${names.join(", ")}.`,
        untagged === undefined
          ? "Save it as a file, and name one: oci-archive:FILE:TAG."
          : `Name one, for example ${untagged}:${names[0]}.`,
      );
    }
    const found = index.manifests.find(
      ({ annotations, digest }) => annotations?.[refName] === tag || digest === tag,
    );
    if (found !== undefined) return found;
    throw new NetbootError(
      "IMAGE_NOT_FOUND",
      `The ${this.kind} ${this.where} holds no image ${tag}.`,
      `It holds: ${namesIn(index).join(", ") || "images without a name"}.`,
    );
  }

  override get signatures(): AttachedSignatures {
    return new LayoutSignatures({
      index: async () => this.#parseIndex(await this.#readIndex()),
      read: (digest, maxBytes) => this.#readBlob(digest, maxBytes),
    });
  }

  protected find(digest: string): FileSlice | undefined {
    return this.#files!.find(["blobs", ...digest.split(":")].join("/"));
  }

  protected reader(): ImageReader {
    return {
      manifest: async ({ digest }) => {
        // resolveImage asks by tag only for the root, and `root` gives it one where the layout
        // itself is the index.
        if (digest === undefined) return { bytes: await this.#readIndex() };
        return { bytes: await this.#readBlob(digest, largestIndex) };
      },
      smallBlob: (descriptor, maxBytes) => this.#readBlob(descriptor.digest, maxBytes),
    };
  }

  async #readIndex(): Promise<Buffer> {
    try {
      const slice = this.#files!.find("index.json");
      if (slice === undefined) throw new RangeError("there is none");
      return await readSlice(slice, largestIndex);
    } catch (error) {
      throw invalid(
        `${this.where} is not an ${this.kind}: its index.json cannot be read (${systemCode(error) ?? (error as Error).message}).`,
        this.#hint(systemCode(error) === undefined),
        error,
      );
    }
  }

  /** What else it is, where that can be seen, or how one is made. */
  #hint(isReadable: boolean): string {
    const isArchive = this.#place.untagged?.startsWith("oci-archive:");
    const isOther = isReadable && this.#files!.find("manifest.json") !== undefined;
    if (isArchive) {
      return isOther
        ? `It is as docker save makes archives: name it as docker-archive:${this.where}`
        : "Make one with: skopeo copy docker://IMAGE oci-archive:FILE:TAG";
    }
    return isOther
      ? `It is as skopeo copies to a directory: name it as dir:${this.where}`
      : "Make one with: skopeo copy docker://IMAGE oci:DIR:TAG";
  }

  async #readBlob(digest: string, maxBytes: number): Promise<Buffer> {
    const slice = this.present({ digest });
    // The caller checks size and digest; this is a bound for what it holds in memory.
    if (slice.size > maxBytes) throw this.damaged(digest, "is too large");
    return readSlice(slice, maxBytes);
  }

  #parseIndex(bytes: Buffer): Index {
    let parsed: ReturnType<typeof parseManifest> | undefined;
    let cause: unknown;
    try {
      parsed = parseManifest(bytes);
    } catch (error) {
      cause = error;
    }
    if (parsed?.kind === "index") return parsed;
    throw invalid(
      `The index.json of ${this.where} is not an OCI image index.`,
      "Make a layout with: skopeo copy docker://IMAGE oci:DIR:TAG",
      cause,
    );
  }
}

function namesIn(index: Index): string[] {
  return index.manifests
    .map(({ annotations }) => annotations?.[refName])
    .filter((name) => name !== undefined);
}

function invalid(message: string, hint: string, cause?: unknown): NetbootError {
  return new NetbootError("LAYOUT_INVALID", message, hint, { cause });
}
