import { availableParallelism } from "node:os";
import { checkArtifactName } from "../kairos/index.js";
import { hostPlatform, type Platform, parsePlatform } from "../oci-client/index.js";
import {
  type CheckedRegistryAccess,
  checkReference,
  checkRegistryAccess,
  defaultCacheDirectory,
  type RegistryAccess,
  translateError,
} from "../sources/index.js";
import { parseBlockSize, parseCompression, type SquashfsCompression } from "../squashfs/index.js";
import { parseDuration, usageError } from "../support/index.js";
import { encode } from "../tar/index.js";
import { type BootMediaOptions, type CheckedBootMedia, checkBootMedia } from "./add-boot-media.js";
import { type BootOptions, type CheckedBootOptions, checkBootOptions } from "./boot-options.js";

export interface ExtractOptions extends BootOptions, BootMediaOptions {
  /** `quay.io/kairos/…:tag`, any registry's reference, or another source, as `openSource` says. */
  image: string;
  /** The directory to make or to replace. */
  output: string;
  /** `linux/arm64[/VARIANT]`; this machine's architecture by default. */
  platform?: string | undefined;
  /** Common part of the file names; from the image's release file by default. */
  name?: string | undefined;
  /** `zstd|gzip|xz|lz4|lzo[:LEVEL]`; `zstd:3` by default. */
  compression?: string | undefined;
  /** `1M` by default. */
  blockSize?: string | undefined;
  /** Path of the kernel inside the image. */
  kernel?: string | undefined;
  /** Path of the initrd inside the image. */
  initrd?: string | undefined;
  /** Write the list of the image's packages: `spdx` or `cyclonedx`; `spdx` for true. */
  sbom?: string | boolean | undefined;
  /** A public key in PEM: an image that it did not sign, as cosign signs, is refused. */
  verifyKey?: string | undefined;
  /** A private key in PEM, to sign `SHA256SUMS` with. */
  signKey?: string | undefined;
  /** Where downloads are kept. */
  cacheDirectory?: string | undefined;
  /** False to keep no downloads. */
  cache?: boolean | undefined;
  /** Layers fetched at once and processors that compress. */
  jobs?: number | undefined;
  /**
   * How long a registry that fails is asked again, from the last progress on: `90s`, `5m`, `2h`, or
   * `0` for not at all; `5m` by default.
   */
  retryTimeout?: string | undefined;
  /** Make the files again, also where they are there already. */
  force?: boolean | undefined;
  /** Credentials, TLS and mirrors; as this machine's files say by default. */
  registry?: RegistryAccess | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: ExtractEvent) => void) | undefined;
}

/** What happens, as it happens. Sizes are bytes. */
export type ExtractEvent =
  | {
      readonly type: "image";
      readonly reference: string;
      readonly digest: string;
      readonly platform: string;
      /** Bottom first; sizes are compressed. */
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    }
  | {
      readonly type: "layer";
      readonly digest: string;
      readonly present: number;
      readonly size: number;
      readonly isCached: boolean;
    }
  | {
      readonly type: "squashfs";
      /** Contents that mksquashfs was given. */
      readonly written: number;
      readonly total: number;
      /** True as long as the image was not read to its end. */
      readonly isEstimate: boolean;
    }
  | {
      readonly type: "message";
      readonly level: "info" | "warning" | "detail";
      readonly text: string;
    };

export type ExtractEventOf<Type extends ExtractEvent["type"]> = Extract<
  ExtractEvent,
  { type: Type }
>;

/** Options that were checked and completed. */
export interface CheckedOptions {
  readonly image: string;
  readonly output: string;
  readonly platform: Platform;
  readonly name: string | undefined;
  readonly compression: SquashfsCompression;
  readonly blockSize: number;
  /** Paths inside the image as bytes, absolute. */
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly sbom: "spdx" | "cyclonedx" | undefined;
  /** Files with keys. */
  readonly verifyKey: string | undefined;
  readonly signKey: string | undefined;
  /** Undefined where nothing is to be kept. */
  readonly cacheDirectory: string | undefined;
  readonly downloads: number;
  readonly processors: number | undefined;
  /** Milliseconds. */
  readonly retryTimeoutMs: number;
  readonly boot: CheckedBootOptions;
  readonly bootMedia: CheckedBootMedia | undefined;
  readonly force: boolean;
  readonly registry: CheckedRegistryAccess;
  readonly emit: (event: ExtractEvent) => void;
}

/** @throws NetbootError USAGE_INVALID, PLATFORM_INVALID, REFERENCE_INVALID, CLOUD_CONFIG_INVALID */
export async function checkOptions(options: ExtractOptions): Promise<CheckedOptions> {
  const { jobs } = options;
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1 && jobs <= 256)) {
    throw usageError(
      "--jobs has to be a number from 1 to 256.",
      "Leave it out to use all processors.",
    );
  }
  if (options.output === "") throw usageError("--output is empty.", "Name a directory: -o out/");
  if (options.cacheDirectory === "") throw usageError("--cache-dir is empty.", "Name a directory.");
  const cacheDirectory = options.cacheDirectory ?? defaultCacheDirectory();
  checkReference(options.image);
  const platform = checkPlatform(options.platform);
  const boot = await checkBootOptions(options);
  return {
    image: options.image,
    output: options.output,
    platform,
    name: options.name === undefined ? undefined : checkArtifactName(options.name),
    compression: parseCompression(options.compression ?? "zstd"),
    blockSize: parseBlockSize(options.blockSize ?? "1M"),
    kernel: checkPath(options.kernel),
    initrd: checkPath(options.initrd),
    sbom: checkSbom(options.sbom),
    verifyKey: options.verifyKey,
    signKey: options.signKey,
    cacheDirectory: options.cache === false ? undefined : cacheDirectory,
    downloads: jobs ?? Math.max(3, availableParallelism()),
    processors: jobs,
    retryTimeoutMs: parseDuration(options.retryTimeout ?? "5m", "--retry-timeout"),
    boot,
    bootMedia: await checkBootMedia(options, platform.architecture, boot),
    force: options.force ?? false,
    registry: checkRegistryAccess(options.registry),
    emit: options.onEvent ?? (() => {}),
  };
}

function checkSbom(format: string | boolean | undefined): CheckedOptions["sbom"] {
  if (format === undefined || format === false) return undefined;
  if (format === true || format === "spdx") return "spdx";
  if (format === "cyclonedx") return format;
  throw usageError(`--sbom cannot be ${format}.`, "Write --sbom, --sbom spdx or --sbom cyclonedx.");
}

/** @throws NetbootError PLATFORM_INVALID */
export function checkPlatform(text: string | undefined): Platform {
  try {
    return text === undefined ? hostPlatform() : parsePlatform(text);
  } catch (error) {
    throw translateError(error);
  }
}

function checkPath(path: string | undefined): string | undefined {
  return path === undefined ? undefined : encode(path.startsWith("/") ? path : `/${path}`);
}
