/** What a kernel was built with, read from its `/boot/config-VERSION`. */
export class KernelConfig {
  readonly #options: ReadonlySet<string>;
  /** True where it says so in so many words. */
  readonly hasNoSquashfs: boolean;

  constructor(bytes: Buffer) {
    const options = new Set<string>();
    for (const match of bytes.toString("latin1").matchAll(/^(CONFIG_\w+)=[ym]$/gm)) {
      options.add(match[1]!);
    }
    this.#options = options;
    this.hasNoSquashfs = /^# CONFIG_SQUASHFS is not set$/m.test(bytes.toString("latin1"));
  }

  /**
   * Whether a squashfs with this compression can be mounted. A configuration that says nothing
   * of squashfs at all (cut short, or of something else) decides nothing: true.
   */
  supportsSquashfs(codec: "zstd" | "gzip" | "xz" | "lz4" | "lzo"): boolean {
    if (!this.#options.has("CONFIG_SQUASHFS")) return true;
    const option = codec === "gzip" ? "ZLIB" : codec.toUpperCase();
    return this.#options.has(`CONFIG_SQUASHFS_${option}`);
  }

  /** Whether xz data that went through this filter (mksquashfs's name of it) can be read. */
  supportsBcjFilter(filter: string): boolean {
    return this.#options.has(`CONFIG_XZ_DEC_${filter.toUpperCase()}`);
  }
}

const bcjFilters: Readonly<Record<string, string>> = {
  amd64: "x86",
  "386": "x86",
  // Kairos' own tools use the filter for 32-bit machine code here: old kernels have no other.
  arm64: "arm",
  arm: "arm",
  ppc64le: "powerpc",
};

/** mksquashfs's `-Xbcj` filter for an architecture as OCI names it. */
export function bcjFilterFor(
  architecture: string,
  config: KernelConfig | undefined,
): string | undefined {
  const filter = bcjFilters[architecture];
  if (filter === undefined || config?.supportsBcjFilter(filter) === false) return undefined;
  return filter;
}
