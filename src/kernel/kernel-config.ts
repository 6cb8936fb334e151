/** The configuration that a kernel was built with, from `/boot/config-VERSION`. */
export class KernelConfig {
  readonly #options: ReadonlySet<string>;
  /** True only if the configuration says so explicitly. */
  readonly hasNoSquashfs: boolean;

  constructor(bytes: Buffer) {
    const text = bytes.toString("latin1");
    const options = new Set<string>();
    for (const [, name] of text.matchAll(/^(CONFIG_\w+)=[ym]$/gm)) {
      if (name !== undefined) options.add(name);
    }
    this.#options = options;
    this.hasNoSquashfs = /^# CONFIG_SQUASHFS is not set$/m.test(text);
  }

  /**
   * Whether the kernel can mount a squashfs with this compression. True if the configuration does not
   * mention squashfs at all: it is then truncated or something else, and proves nothing.
   */
  supportsSquashfs(codec: "zstd" | "gzip" | "xz" | "lz4" | "lzo"): boolean {
    if (!this.#options.has("CONFIG_SQUASHFS")) return true;
    const option = codec === "gzip" ? "ZLIB" : codec.toUpperCase();
    return this.#options.has(`CONFIG_SQUASHFS_${option}`);
  }

  /** Whether the kernel can read xz data that went through this filter, in mksquashfs's spelling. */
  supportsBcjFilter(filter: string): boolean {
    return this.#options.has(`CONFIG_XZ_DEC_${filter.toUpperCase()}`);
  }
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
 * mksquashfs's `-Xbcj` filter for an architecture.
 * @param architecture OCI's name
 */
export function bcjFilterFor(
  architecture: string,
  config: KernelConfig | undefined,
): string | undefined {
  const filter = bcjFilters[architecture];
  if (filter === undefined || config?.supportsBcjFilter(filter) === false) return undefined;
  return filter;
}
