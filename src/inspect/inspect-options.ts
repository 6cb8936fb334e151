import { checkPlatform } from "../extract/index.js";
import type { Platform } from "../oci-client/index.js";
import {
  readSignatureRequirement,
  type SignatureRequirement,
  type VerificationOptions,
} from "../signatures/index.js";
import {
  type CheckedRegistryAccess,
  checkReference,
  checkRegistryAccess,
  defaultCacheDirectory,
  type RegistryAccess,
} from "../sources/index.js";
import { NetbootError, parseDuration } from "../support/index.js";

/** Options with the same names as those of `extract` have the same meaning. */
export interface InspectOptions extends VerificationOptions {
  readonly image: string;
  /** For example `linux/arm64`; by default the platform of this machine. */
  readonly platform?: string | undefined;
  /** Directory for downloads. */
  readonly cacheDir?: string | undefined;
  /** False to keep no downloads. Default: true. */
  readonly cache?: boolean | undefined;
  /** How long to retry after network errors, for example `5m`. Default: 5 minutes. */
  readonly retryTimeout?: string | undefined;
  readonly registry?: RegistryAccess | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: InspectEvent) => void) | undefined;
}

/** Progress and warnings for people. */
export interface InspectEvent {
  readonly type: "message";
  /** `detail` is what `--verbose` adds. */
  readonly level: "info" | "warning" | "detail";
  readonly text: string;
}

export interface CheckedInspectOptions {
  readonly image: string;
  readonly platform: Platform;
  /** Undefined if nothing is to be kept. */
  readonly cacheDirectory: string | undefined;
  readonly retryTimeoutMs: number;
  readonly registry: CheckedRegistryAccess;
  /** Undefined if the image needs no signature. */
  readonly requiredSignature: SignatureRequirement | undefined;
  readonly tell: (level: InspectEvent["level"], text: string) => void;
}

/**
 * @throws NetbootError USAGE_INVALID, PLATFORM_INVALID, REFERENCE_INVALID, KEY_INVALID,
 *   TRUSTED_ROOT_INVALID
 */
export async function checkInspectOptions(options: InspectOptions): Promise<CheckedInspectOptions> {
  const { image, cache, onEvent } = options;
  if (options.cacheDir === "") {
    throw new NetbootError("USAGE_INVALID", "--cache-dir is empty.", "Name a directory.");
  }
  checkReference(image);
  const cacheDirectory = options.cacheDir ?? defaultCacheDirectory();
  return {
    image,
    platform: checkPlatform(options.platform),
    cacheDirectory: cache === false ? undefined : cacheDirectory,
    retryTimeoutMs: parseDuration(options.retryTimeout ?? "5m", "--retry-timeout"),
    registry: checkRegistryAccess(options.registry),
    requiredSignature: await readSignatureRequirement(options),
    tell: (level, text) => onEvent?.({ type: "message", level, text }),
  };
}
