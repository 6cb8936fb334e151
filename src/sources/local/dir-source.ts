import { type ImageReader, type ImageRoot, isDigestOf } from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import { DirectoryFiles, type FileSlice, readSlice } from "../image-source/file-slice.js";
import type { SourceOptions } from "../image-source/image-source.js";
import { otherFormatHint } from "./image-format.js";
import { LocalSource } from "./local-source.js";

const maxManifestBytes = 4 * 1024 * 1024;

/**
 * An image in a directory that skopeo's `dir:` wrote (containers-transports(5)): `manifest.json` and,
 * beside it, the blobs, named by the hexadecimal part of their digests. If the manifest is an index,
 * the manifests in it are named `HEX.manifest.json`.
 */
export class DirSource extends LocalSource {
  readonly reference: string;
  protected readonly kind = "directory";
  protected readonly where: string;
  readonly #files: DirectoryFiles;
  #root: Buffer = Buffer.alloc(0);

  /** @param directory what follows `dir:` */
  constructor(directory: string, options: SourceOptions) {
    super(options);
    this.reference = `dir:${directory}`;
    this.where = directory;
    this.#files = new DirectoryFiles(directory);
  }

  protected async root(): Promise<ImageRoot> {
    const expected = { wrong: "skopeo dir", container: "directory" } as const;
    const hint = await otherFormatHint(this.#files, this.where, expected);
    try {
      const slice = this.#files.find("manifest.json");
      if (slice === undefined) throw new RangeError("it does not exist");
      this.#root = await readSlice(slice, maxManifestBytes);
    } catch (error) {
      const reason = systemCode(error) ?? (error as Error).message;
      throw this.#invalid(`its manifest.json cannot be read (${reason})`, hint, error);
    }
    if (hint !== undefined) throw this.#invalid("its manifest.json is a list of images", hint);
    return "manifest.json";
  }

  #invalid(
    problem: string,
    hint = "Create one with: skopeo copy docker://IMAGE dir:DIR",
    cause?: unknown,
  ): NetbootError {
    return new NetbootError(
      "LAYOUT_INVALID",
      `${this.where} is not a directory that skopeo wrote: ${problem}.`,
      hint,
      { cause },
    );
  }

  protected find(digest: string): FileSlice | undefined {
    return this.#findNamed(digest, "");
  }

  /** Newer versions of skopeo name the algorithm unless it is sha256, older ones never do. */
  #findNamed(digest: string, suffix: string): FileSlice | undefined {
    const [algorithm = "", hex = ""] = digest.split(":");
    return this.#files.find(`${algorithm}-${hex}${suffix}`) ?? this.#files.find(`${hex}${suffix}`);
  }

  protected reader(): ImageReader {
    return {
      manifest: async ({ digest }) => {
        const isRoot = digest === undefined || isDigestOf(digest, this.#root);
        if (isRoot) return { bytes: this.#root };
        return { bytes: await this.#read(this.#manifestOf(digest), digest, maxManifestBytes) };
      },
      smallBlob: ({ digest }, maxBytes) => this.#read(this.present({ digest }), digest, maxBytes),
    };
  }

  #manifestOf(digest: string): FileSlice {
    const slice = this.#findNamed(digest, ".manifest.json");
    // Without --all, skopeo copies the image of one platform only.
    return slice ?? this.present({ digest });
  }

  async #read(slice: FileSlice, digest: string, maxBytes: number): Promise<Buffer> {
    if (slice.size > maxBytes) throw this.damaged(digest, "is too large");
    return readSlice(slice, maxBytes);
  }
}
