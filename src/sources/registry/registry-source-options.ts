import type { RetryPolicy } from "../../oci-client/index.js";
import type { SessionTiming } from "../cache/cache-session.js";
import type { SourceOptions } from "../image-source/image-source.js";
import type { CheckedRegistryAccess } from "./registry-access.js";

/** How long a registry may send nothing: before an answer, and between two chunks of its body. */
export interface RegistryTimeouts {
  readonly headersMs?: number;
  readonly bodyMs?: number;
}

/** Options that only registries need, in addition to those of every source. */
export interface RegistrySourceOptions extends SourceOptions {
  /** Directory that keeps blobs. */
  readonly cacheDirectory: string;
  readonly userAgent: string;
  /** How to reach registries; by default as this machine's configuration says. */
  readonly registry?: CheckedRegistryAccess;
  /** How long to try again what failed; by default not at all. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** For tests. */
  readonly timeouts?: RegistryTimeouts | undefined;
  /** For tests. */
  readonly cacheTiming?: Partial<SessionTiming> | undefined;
  onWarning?(message: string): void;
  /** Receives what only `--verbose` prints. */
  onDetail?(message: string): void;
}
