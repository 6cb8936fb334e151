import {
  type ImageReader,
  type ImageRoot,
  type Index,
  parseManifest,
} from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import { type FileSlice, type ImageFiles, readSlice } from "../image-source/file-slice.js";
import type { AttachedSignatures, SourceOptions } from "../image-source/image-source.js";
import { isSignatures, LayoutSignatures, refNameAnnotation } from "./layout-signatures.js";
import { type ImageLocation, LocalSource } from "./local-source.js";

const maxIndexBytes = 4 * 1024 * 1024;

export interface OciLayoutLocation extends ImageLocation {
  readonly kind: "OCI layout" | "OCI archive";
  /** A tag or a digest. */
  readonly tag?: string | undefined;
}

/** An image in an OCI layout (OCI image-spec, image-layout.md), in a directory or in an archive. */
export class OciLayoutSource extends LocalSource {
  readonly reference: string;
  protected readonly kind: string;
  protected readonly where: string;
  readonly #location: OciLayoutLocation;
  #files: ImageFiles | undefined;

  constructor(location: OciLayoutLocation, options: SourceOptions) {
    super(options);
    this.#location = location;
    this.reference = location.reference;
    this.kind = location.kind;
    this.where = location.where;
  }

  /** The manifest or index that the tag selects, or the only one in the layout. */
  protected async root(): Promise<ImageRoot> {
    this.#files = await this.#location.files();
    const all = this.#parseIndex(await this.#readIndex());
    // cosign save writes signatures beside the image.
    const index = { ...all, manifests: all.manifests.filter((it) => !isSignatures(it)) };
    const { tag, untagged } = this.#location;
    if (tag === undefined) {
      const names = namesIn(index);
      const [first] = index.manifests;
      if (index.manifests.length === 1 && first !== undefined) return first;
      if (names.length === 0) return "index.json";
      throw invalid(
        `The ${this.kind} ${this.where} contains several images: ${names.join(", ")}.`,
        untagged === undefined
          ? "Save it to a file, and select an image: oci-archive:FILE:TAG."
          : `Select one, for example ${untagged}:${names[0]}.`,
      );
    }
    const found = index.manifests.find(
      ({ annotations, digest }) => annotations?.[refNameAnnotation] === tag || digest === tag,
    );
    if (found !== undefined) return found;
    throw new NetbootError(
      "IMAGE_NOT_FOUND",
      `The ${this.kind} ${this.where} contains no image ${tag}.`,
      `It contains: ${namesIn(index).join(", ") || "images without a tag"}.`,
    );
  }

  /** @throws Error before `root` has opened it */
  get #opened(): ImageFiles {
    if (this.#files === undefined) throw new Error("the layout has not been opened");
    return this.#files;
  }

  override get signatures(): AttachedSignatures {
    return new LayoutSignatures({
      index: async () => this.#parseIndex(await this.#readIndex()),
      read: (digest, maxBytes) => this.#readBlob(digest, maxBytes),
    });
  }

  protected find(digest: string): FileSlice | undefined {
    return this.#opened.find(["blobs", ...digest.split(":")].join("/"));
  }

  protected reader(): ImageReader {
    return {
      manifest: async ({ digest }) => {
        // Only the root is requested by tag, and only if `root` returned the layout's own index.
        if (digest === undefined) return { bytes: await this.#readIndex() };
        return { bytes: await this.#readBlob(digest, maxIndexBytes) };
      },
      smallBlob: (descriptor, maxBytes) => this.#readBlob(descriptor.digest, maxBytes),
    };
  }

  async #readIndex(): Promise<Buffer> {
    try {
      const slice = this.#opened.find("index.json");
      if (slice === undefined) throw new RangeError("it does not exist");
      return await readSlice(slice, maxIndexBytes);
    } catch (error) {
      throw invalid(
        `${this.where} is not an ${this.kind}: its index.json cannot be read (${systemCode(error) ?? (error as Error).message}).`,
        this.#hint(systemCode(error) === undefined),
        error,
      );
    }
  }

  /** Says which transport to use instead, if that is evident, or how to create a layout. */
  #hint(isReadable: boolean): string {
    const isArchive = this.#location.kind === "OCI archive";
    const isOther = isReadable && this.#opened.find("manifest.json") !== undefined;
    if (isArchive) {
      return isOther
        ? `docker save wrote this archive; write docker-archive:${this.where}`
        : "Create one with: skopeo copy docker://IMAGE oci-archive:FILE:TAG";
    }
    return isOther
      ? `skopeo wrote this directory; write dir:${this.where}`
      : "Create one with: skopeo copy docker://IMAGE oci:DIR:TAG";
  }

  async #readBlob(digest: string, maxBytes: number): Promise<Buffer> {
    const slice = this.present({ digest });
    // The caller checks size and digest. This only limits how much it reads into memory.
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
      "Create a layout with: skopeo copy docker://IMAGE oci:DIR:TAG",
      cause,
    );
  }
}

function namesIn(index: Index): string[] {
  return index.manifests
    .map(({ annotations }) => annotations?.[refNameAnnotation])
    .filter((name) => name !== undefined);
}

function invalid(message: string, hint: string, cause?: unknown): NetbootError {
  return new NetbootError("LAYOUT_INVALID", message, hint, { cause });
}
