import { checkPlatform } from "../extract/index.js";
import type { Platform } from "../oci-client/index.js";
import {
  type CheckedRegistryAccess,
  checkReference,
  checkRegistryAccess,
  defaultCacheDirectory,
  type RegistryAccess,
} from "../sources/index.js";
import { NetbootError, parseDuration } from "../support/index.js";

export interface InspectOptions {
  /** As for `extract`. */
  image: string;
  /** `linux/arm64[/VARIANT]`; this machine's architecture by default. */
  platform?: string | undefined;
  /** Where downloads are kept. */
  cacheDir?: string | undefined;
  /** False to keep no downloads. */
  cache?: boolean | undefined;
  /** As for `extract`. */
  retryTimeout?: string | undefined;
  registry?: RegistryAccess | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: InspectEvent) => void) | undefined;
}

/** What takes its time or is done in another way, for people. */
export interface InspectEvent {
  readonly type: "message";
  /** `detail` is for who wants to know where everything came from. */
  readonly level: "info" | "warning" | "detail";
  readonly text: string;
}

export interface CheckedInspectOptions {
  readonly image: string;
  readonly platform: Platform;
  /** Undefined where nothing is to be kept. */
  readonly cacheDirectory: string | undefined;
  /** Milliseconds. */
  readonly retryTimeoutMs: number;
  readonly registry: CheckedRegistryAccess;
  readonly tell: (level: InspectEvent["level"], text: string) => void;
}

/** @throws NetbootError USAGE_INVALID, PLATFORM_INVALID, REFERENCE_INVALID */
export function checkInspectOptions(options: InspectOptions): CheckedInspectOptions {
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
    tell: (level, text) => onEvent?.({ type: "message", level, text }),
  };
}
