import {
  type ImageReader,
  type ImageRoot,
  isDigest,
  OciClientError,
  parseImageConfig,
  sha256,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import { type FileSlice, type ImageFiles, readSlice } from "../image-source/file-slice.js";
import type { SourceOptions } from "../image-source/image-source.js";
import { translateError } from "../image-source/translate-error.js";
import {
  chooseDockerImage,
  type DockerChoice,
  type DockerImage,
  largestManifest,
  parseDockerManifest,
} from "./docker-manifest.js";
import { LocalSource } from "./local-source.js";

const largestConfig = 4 * 1024 * 1024;

export interface DockerArchiveLocation {
  /** As it was written, with its transport. */
  readonly reference: string;
  /** For messages: the archive's name. */
  readonly where: string;
  /** The reference without the choice; undefined where none can be made. */
  readonly untagged: string | undefined;
  readonly choice?: DockerChoice | undefined;
  /** Opens it. */
  readonly files: () => Promise<ImageFiles>;
}

/**
 * An image that `docker save` wrote, in the form before Docker 25 or in the one since, which is an
 * OCI layout as well: `manifest.json` names the files in both.
 *
 * There is no manifest of the image in the older form. One is made as containers/image makes it, so
 * that the digest is what `skopeo inspect` says, too; layers go by their diff IDs in it.
 */
export class DockerArchiveSource extends LocalSource {
  readonly reference: string;
  protected readonly kind = "archive";
  protected readonly where: string;
  protected override readonly hasDigests = false;
  readonly #place: DockerArchiveLocation;
  readonly #layers = new Map<string, FileSlice>();
  #config: Buffer = Buffer.alloc(0);
  #manifest: Buffer = Buffer.alloc(0);

  constructor(place: DockerArchiveLocation, options: SourceOptions) {
    super(options);
    this.#place = place;
    this.reference = place.reference;
    this.where = place.where;
  }

  protected async root(): Promise<ImageRoot> {
    const files = await this.#place.files();
    const bytes = await this.#read(files, "manifest.json", largestManifest);
    const images = parseDockerManifest(bytes, this.where);
    const image = chooseDockerImage(images, this.#place.choice, this.#place);
    this.#config = await this.#read(files, image.Config, largestConfig);
    this.#checkConfigName(image.Config);
    this.#manifest = this.#makeManifest(files, image);
    return { digest: sha256(this.#manifest) };
  }

  protected find(digest: string): FileSlice | undefined {
    return this.#layers.get(digest);
  }

  protected reader(): ImageReader {
    return {
      manifest: async () => ({ bytes: this.#manifest }),
      smallBlob: async () => this.#config,
    };
  }

  /** The names of the members and their order are those of Go's encoder in containers/image. */
  #makeManifest(files: ImageFiles, { Layers }: DockerImage): Buffer {
    const names = Layers ?? [];
    const diffIds = this.#diffIds();
    if (names.length !== diffIds.length) {
      throw this.#invalid(
        `lists ${names.length} layers, but the image's configuration ${diffIds.length}`,
      );
    }
    const layers = names.map((name, number) => {
      const slice = files.find(name);
      if (slice === undefined) throw this.#missing(name);
      const digest = namedDigest(name) ?? diffIds[number]!;
      this.#layers.set(digest, slice);
      const mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
      return { mediaType, size: slice.size, digest };
    });
    return Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.docker.distribution.manifest.v2+json",
        config: {
          mediaType: "application/vnd.docker.container.image.v1+json",
          size: this.#config.length,
          digest: sha256(this.#config),
        },
        layers,
      }),
    );
  }

  #diffIds(): string[] {
    try {
      return parseImageConfig(this.#config).rootfs.diff_ids;
    } catch (error) {
      if (!(error instanceof OciClientError)) throw error;
      throw translateError(error);
    }
  }

  /** The configuration is called by its digest, in all forms. */
  #checkConfigName(name: string): void {
    const digest = namedDigest(name.replace(/\.json$/, ""));
    if (digest === undefined || digest === sha256(this.#config)) return;
    throw this.damaged(digest, "has other content");
  }

  async #read(files: ImageFiles, name: string, maxBytes: number): Promise<Buffer> {
    const slice = files.find(name);
    if (slice === undefined) {
      if (name !== "manifest.json") throw this.#missing(name);
      throw this.#noManifest(files);
    }
    if (slice.size > maxBytes) throw this.#invalid(`holds a ${name} that is too large`);
    return readSlice(slice, maxBytes);
  }

  #missing(name: string): NetbootError {
    return new NetbootError(
      "BLOB_NOT_FOUND",
      `The archive ${this.where} lacks the file ${name}.`,
      "Save the image again; the copy was not complete.",
    );
  }

  #noManifest(files: ImageFiles): NetbootError {
    const problem = "holds no manifest.json: docker save did not make it";
    const isFile = this.#place.untagged !== undefined;
    if (!isFile || files.find("index.json") === undefined) return this.#invalid(problem);
    return this.#invalid(problem, `It is an OCI archive: name it as oci-archive:${this.where}`);
  }

  #invalid(
    problem: string,
    hint = "Make an archive with: docker save -o FILE IMAGE",
  ): NetbootError {
    return new NetbootError("LAYOUT_INVALID", `The archive ${this.where} ${problem}.`, hint);
  }
}

/** The digest that a file is called by: `blobs/sha256/HEX`, or a configuration's `HEX`. */
function namedDigest(name: string): string | undefined {
  const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})$/.exec(name)?.[1];
  const digest = `sha256:${hex}`;
  return isDigest(digest) ? digest : undefined;
}
