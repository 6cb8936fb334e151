import type { KernelConfig } from "../kernel/index.js";
import { type CompressorName, compressorNames, findCompressor } from "./compressors.js";
import { parseCompression, type SquashfsCompression } from "./squashfs-compression.js";

const squashfsOption = "CONFIG_SQUASHFS";

/** True if the kernel was certainly built without squashfs. */
export function lacksSquashfs(config: KernelConfig): boolean {
  return config.isDisabled(squashfsOption);
}

/**
 * Whether the kernel can mount a squashfs with this compressor. True if the configuration does not
 * mention squashfs at all: it is then truncated or something else, and proves nothing.
 */
export function supportsCompressor(config: KernelConfig, name: CompressorName): boolean {
  const compressor = findCompressor(name);
  if (compressor === undefined || !config.isEnabled(squashfsOption)) return true;
  return config.isEnabled(compressor.kernelOption);
}

/**
 * The requested compression if the kernel can read it. Otherwise the default level of the first
 * compressor that it can read, or gzip if it can read none.
 */
export function chooseReadableCompression(
  requested: SquashfsCompression,
  config: KernelConfig,
): SquashfsCompression {
  if (supportsCompressor(config, requested.compressor)) return requested;
  const readable = compressorNames.find((name) => supportsCompressor(config, name));
  return parseCompression(readable ?? "gzip");
}

const bcjFilters: Readonly<Record<string, string>> = {
  amd64: "x86",
  "386": "x86",
  // Kairos's own tools use the filter for 32-bit machine code here: old kernels have no other.
  arm64: "arm",
  arm: "arm",
  ppc64le: "powerpc",
};

/**
 * mksquashfs's `-Xbcj` filter for an architecture, which makes machine code compress better.
 * @param architecture OCI's name
 * @returns undefined if there is no filter, or the kernel cannot read data that went through it
 */
export function bcjFilterFor(
  architecture: string,
  config: KernelConfig | undefined,
): string | undefined {
  const filter = bcjFilters[architecture];
  if (filter === undefined) return undefined;
  const isReadable = config?.isEnabled(`CONFIG_XZ_DEC_${filter.toUpperCase()}`) ?? true;
  return isReadable ? filter : undefined;
}
