import {
  type ImageReader,
  type ImageRoot,
  type Index,
  mayBeImage,
  ociIndexType,
  type Platform,
  parseManifest,
  resolveImage,
} from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import { type FileSlice, type ImageFiles, readSlice } from "../image-source/file-slice.js";
import type { AttachedSignatures, SourceOptions } from "../image-source/image-source.js";
import { otherFormatHint } from "./image-format.js";
import { chooseEntry, type OciLayoutLocation } from "./layout-choice.js";
import { isSignatures, LayoutSignatures } from "./layout-signatures.js";
import { LocalSource } from "./local-source.js";

const maxIndexBytes = 4 * 1024 * 1024;

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

  protected async root(platform: Platform): Promise<ImageRoot> {
    this.#files = await this.#location.files();
    const { manifests } = await this.#index();
    // cosign save writes signatures beside the image.
    const documents = manifests.filter((entry) => !isSignatures(entry));
    if (documents.length === 0) throw await this.#noImage();
    const likely = documents.filter(mayBeImage);
    const images = likely.length > 0 ? likely : documents;
    const { signal } = this.options;
    return chooseEntry(images, this.#location, platform, (entry) =>
      resolveImage(this.reader(), entry, platform, { signal }),
    );
  }

  /** @throws Error before `root` has opened it */
  get #opened(): ImageFiles {
    if (this.#files === undefined) throw new Error("the layout has not been opened");
    return this.#files;
  }

  override get signatures(): AttachedSignatures {
    return new LayoutSignatures({
      index: () => this.#index(),
      read: (digest, maxBytes) => this.#readBlob(digest, maxBytes),
    });
  }

  protected find(digest: string): FileSlice | undefined {
    return this.#opened.find(["blobs", ...digest.split(":")].join("/"));
  }

  protected reader(): ImageReader {
    return {
      manifest: async ({ digest }) => {
        // `root` returns a descriptor, so nothing is requested by tag.
        if (digest === undefined) throw new RangeError("a layout has no tags");
        return { bytes: await this.#readBlob(digest, maxIndexBytes) };
      },
      smallBlob: (descriptor, maxBytes) => this.#readBlob(descriptor.digest, maxBytes),
    };
  }

  async #index(): Promise<Index> {
    const bytes = await this.#readIndex();
    let parsed: ReturnType<typeof parseManifest> | undefined;
    let cause: unknown;
    try {
      parsed = parseManifest(bytes, { mediaType: ociIndexType });
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

  async #readIndex(): Promise<Buffer> {
    try {
      const slice = this.#opened.find("index.json");
      if (slice === undefined) throw new RangeError("it does not exist");
      return await readSlice(slice, maxIndexBytes);
    } catch (error) {
      throw invalid(
        `${this.where} is not an ${this.kind}: its index.json cannot be read (${systemCode(error) ?? (error as Error).message}).`,
        await this.#hint(),
        error,
      );
    }
  }

  /** docker save of an image by its digest writes such an index (moby/moby#47210). */
  async #noImage(): Promise<NetbootError> {
    const problem = `The index.json of the ${this.kind} ${this.where} lists no image.`;
    return invalid(problem, await this.#hint());
  }

  /** Says which transport to use instead, if that is evident, or how to create a layout. */
  async #hint(): Promise<string> {
    const { kind, where } = this.#location;
    const isArchive = kind === "OCI archive";
    const container = isArchive ? "archive" : "directory";
    const expected = { wrong: "OCI layout", container } as const;
    return (
      (await otherFormatHint(this.#opened, where, expected)) ??
      `Create one with: skopeo copy docker://IMAGE ${isArchive ? "oci-archive:FILE" : "oci:DIR"}:TAG`
    );
  }

  async #readBlob(digest: string, maxBytes: number): Promise<Buffer> {
    const slice = this.present({ digest });
    // The caller checks size and digest. This only limits how much it reads into memory.
    if (slice.size > maxBytes) throw this.damaged(digest, "is too large");
    return readSlice(slice, maxBytes);
  }
}

function invalid(message: string, hint: string, cause?: unknown): NetbootError {
  return new NetbootError("LAYOUT_INVALID", message, hint, { cause });
}
