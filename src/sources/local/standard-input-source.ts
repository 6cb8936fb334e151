import { addAbortSignal } from "node:stream";
import type {
  Descriptor,
  Platform,
  ResolvedImage,
  ResolveOptions,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import type { Blob } from "../image-source/blob.js";
import {
  type AttachedSignatures,
  type ImageSource,
  noSignatures,
  type SourceOptions,
} from "../image-source/image-source.js";
import type { Archive } from "./archive.js";
import { DockerArchiveSource } from "./docker-archive-source.js";
import { OciLayoutSource } from "./oci-layout-source.js";
import { openArchiveStream } from "./open-archive.js";

const where = "on standard input";

/** An archive on standard input. Its contents decide which kind of archive it is. */
export class StandardInputSource implements ImageSource {
  readonly reference = "-";
  readonly #options: SourceOptions;
  #source: ImageSource | undefined;
  #isRead = false;

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  async resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage> {
    this.#source ??= this.#sourceOf(await this.#open());
    return this.#source.resolve(platform, approve);
  }

  get signatures(): AttachedSignatures {
    return this.#source?.signatures ?? noSignatures;
  }

  async reserve(): Promise<void> {}

  fetch(descriptor: Descriptor): Blob {
    if (this.#source === undefined) throw new Error("the archive has not been read");
    return this.#source.fetch(descriptor);
  }

  async dropDamaged(): Promise<undefined> {}

  /** Closes standard input, so that a program that still writes to it notices. */
  async close(): Promise<void> {
    if (this.#isRead) process.stdin.destroy();
  }

  async #open(): Promise<Archive> {
    if (process.stdin.isTTY) {
      throw new NetbootError(
        "USAGE_INVALID",
        "Standard input is a terminal, not an archive.",
        "Provide one: docker save IMAGE | kairos-netboot extract - -o out/",
      );
    }
    this.#isRead = true;
    const { signal, scratchDirectory, onNotice } = this.#options;
    addAbortSignal(signal, process.stdin);
    return openArchiveStream(process.stdin, where, { signal, scratchDirectory, onNotice });
  }

  /** Since Docker 25, archives of docker save are of both kinds. They are read by manifest.json. */
  #sourceOf(archive: Archive): ImageSource {
    const { reference } = this;
    const files = async () => archive;
    if (archive.find("manifest.json") !== undefined) {
      return new DockerArchiveSource(
        { reference, where, untagged: undefined, files },
        this.#options,
      );
    }
    if (archive.find("index.json") === undefined) {
      throw new NetbootError(
        "LAYOUT_INVALID",
        `The archive ${where} contains neither a manifest.json nor an index.json.`,
        "Provide an archive that docker save, or skopeo copy to an oci-archive, wrote.",
      );
    }
    const kind = "OCI archive" as const;
    return new OciLayoutSource(
      { reference, kind, where, untagged: undefined, files },
      this.#options,
    );
  }
}
