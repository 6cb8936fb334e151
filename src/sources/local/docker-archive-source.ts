import {
  type ImageReader,
  type ImageRoot,
  isDigest,
  isDigestOf,
  OciClientError,
  parseImageConfig,
  sha256,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import { type FileSlice, type ImageFiles, readSlice } from "../image-source/file-slice.js";
import type { SourceOptions } from "../image-source/image-source.js";
import { translateError } from "../image-source/translate-error.js";
import { chooseDockerImage, type DockerChoice } from "./docker-choice.js";
import { type DockerImage, maxManifestBytes, parseDockerManifest } from "./docker-manifest.js";
import { otherFormatHint } from "./image-format.js";
import { type ImageLocation, LocalSource } from "./local-source.js";

const maxConfigBytes = 4 * 1024 * 1024;

export interface DockerArchiveLocation extends ImageLocation {
  readonly choice?: DockerChoice | undefined;
}

/**
 * An image that `docker save` wrote, in the format from before Docker 25 or in the later one, which is
 * an OCI layout as well. `manifest.json` names the files in both.
 *
 * The older format has no image manifest. This class makes one as containers/image does, so that its
 * digest is the one that `skopeo inspect` prints. In it, diff IDs stand for the digests of layers.
 */
export class DockerArchiveSource extends LocalSource {
  readonly reference: string;
  protected readonly kind = "archive";
  protected readonly where: string;
  protected override readonly hasDigests = false;
  readonly #location: DockerArchiveLocation;
  readonly #layers = new Map<string, FileSlice>();
  #config: Buffer = Buffer.alloc(0);
  #manifest: Buffer = Buffer.alloc(0);

  constructor(location: DockerArchiveLocation, options: SourceOptions) {
    super(options);
    this.#location = location;
    this.reference = location.reference;
    this.where = location.where;
  }

  protected async root(): Promise<ImageRoot> {
    const files = await this.#location.files();
    const bytes = await this.#read(files, "manifest.json", maxManifestBytes);
    const images = parseDockerManifest(bytes, this.where);
    const image = chooseDockerImage(images, this.#location.choice, this.#location);
    this.#config = await this.#read(files, image.Config, maxConfigBytes);
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

  /** Names and order of the members are those that containers/image writes. */
  #makeManifest(files: ImageFiles, { Layers }: DockerImage): Buffer {
    const names = Layers ?? [];
    const diffIds = this.#diffIds();
    if (names.length !== diffIds.length) {
      throw this.#invalid(
        `lists ${names.length} layers, but the image's configuration lists ${diffIds.length}`,
      );
    }
    const layers = diffIds.map((diffId, number) => {
      const name = names[number] ?? "";
      const slice = files.find(name);
      if (slice === undefined) throw this.#missing(name, `layer ${number + 1} of ${names.length}`);
      const digest = digestInName(name) ?? diffId;
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

  #diffIds(): readonly string[] {
    try {
      return parseImageConfig(this.#config).rootfs.diff_ids;
    } catch (error) {
      if (!(error instanceof OciClientError)) throw error;
      throw translateError(error);
    }
  }

  /** In all formats, the name of the configuration is its digest. */
  #checkConfigName(name: string): void {
    const digest = digestInName(name.replace(/\.json$/, ""));
    if (digest === undefined || isDigestOf(digest, this.#config)) return;
    throw this.damaged(digest, "has other content");
  }

  async #read(files: ImageFiles, name: string, maxBytes: number): Promise<Buffer> {
    const slice = files.find(name);
    if (slice === undefined) {
      if (name !== "manifest.json") throw this.#missing(name, "the image's configuration");
      throw await this.#noManifest(files);
    }
    if (slice.size > maxBytes) throw this.#invalid(`contains a ${name} that is too large`);
    return readSlice(slice, maxBytes);
  }

  /** @param name the file; empty for a part that whoever wrote the archive left out */
  #missing(name: string, part: string): NetbootError {
    const reason = name === "" ? "its manifest.json names no file for it" : `the file ${name}`;
    return new NetbootError(
      "BLOB_NOT_FOUND",
      `The archive ${this.where} lacks ${part}: ${reason}.`,
      "Save the complete image again: docker save -o FILE IMAGE",
    );
  }

  async #noManifest(files: ImageFiles): Promise<NetbootError> {
    const problem = "contains no manifest.json, so docker save did not write it";
    const isFile = this.#location.untagged !== undefined;
    const expected = { wrong: "docker save", container: "archive" } as const;
    const hint = isFile ? await otherFormatHint(files, this.where, expected) : undefined;
    return this.#invalid(problem, hint);
  }

  #invalid(
    problem: string,
    hint = "Create an archive with: docker save -o FILE IMAGE",
  ): NetbootError {
    return new NetbootError("LAYOUT_INVALID", `The archive ${this.where} ${problem}.`, hint);
  }
}

/** The digest in the name of a file: `blobs/ALGORITHM/HEX`, or a SHA-256 `HEX` for a configuration. */
function digestInName(name: string): string | undefined {
  const [, algorithm = "sha256", hex] = /^(?:blobs\/(\w+)\/)?([0-9a-f]+)$/.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}
