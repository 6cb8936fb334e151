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

/** An archive on standard input, of whichever kind it turns out to be. */
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
    return this.#source!.fetch(descriptor);
  }

  async dropDamaged(): Promise<undefined> {}

  /** Whoever still writes there is told that nobody reads. */
  async close(): Promise<void> {
    if (this.#isRead) process.stdin.destroy();
  }

  async #open(): Promise<Archive> {
    if (process.stdin.isTTY) {
      throw new NetbootError(
        "USAGE_INVALID",
        "Standard input is a terminal, not an archive.",
        "Send one to it: docker save IMAGE | kairos-netboot extract - -o out/",
      );
    }
    this.#isRead = true;
    const { signal, scratchDirectory: scratch, onNotice } = this.#options;
    addAbortSignal(signal, process.stdin);
    return openArchiveStream(process.stdin, where, { signal, scratch, onNotice });
  }

  /** What docker save writes is both since Docker 25, and read as it always was. */
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
        `The archive ${where} holds no image: neither a manifest.json nor an index.json.`,
        "Send what docker save, or skopeo copy to an oci-archive, made.",
      );
    }
    const kind = "OCI archive";
    return new OciLayoutSource(
      { reference, kind, where, untagged: undefined, files },
      this.#options,
    );
  }
}
