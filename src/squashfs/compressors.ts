/** A compressor of squashfs: everything that the program needs to know about it. */
interface Compressor {
  /** The name in mksquashfs's `-comp` and in `--compression`. */
  readonly name: string;
  /** The id in the superblock (Linux, fs/squashfs/squashfs_fs.h). */
  readonly id: number;
  /** The option of the kernel's configuration that makes it readable (fs/squashfs/Kconfig). */
  readonly kernelOption: string;
  /** Compression levels from 1 on; absent if mksquashfs accepts none. */
  readonly levels?: { readonly max: number; readonly default: number };
  /**
   * Further options of mksquashfs.
   * @param bcjFilter xz's filter for the machine code of the image's architecture, if it has one
   */
  readonly options?: (bcjFilter: string | undefined) => readonly string[];
}

/**
 * All compressors, in the order of preference if the image's kernel cannot read the requested
 * one: nearly every kernel reads gzip. All versions of mksquashfs that read tars support all of
 * them, unless they were built without one. To add a compressor, add a row.
 */
const rows = [
  {
    name: "gzip",
    id: 1,
    kernelOption: "CONFIG_SQUASHFS_ZLIB",
    levels: { max: 9, default: 9 },
  },
  {
    name: "zstd",
    id: 6,
    kernelOption: "CONFIG_SQUASHFS_ZSTD", // since Linux 4.14
    levels: { max: 22, default: 3 },
  },
  {
    name: "xz",
    id: 4,
    kernelOption: "CONFIG_SQUASHFS_XZ",
    options: (bcjFilter) => (bcjFilter === undefined ? [] : ["-Xbcj", bcjFilter]),
  },
  {
    name: "lz4",
    id: 5,
    kernelOption: "CONFIG_SQUASHFS_LZ4", // since Linux 3.19
    options: () => ["-Xhc"],
  },
  {
    name: "lzo",
    id: 3,
    kernelOption: "CONFIG_SQUASHFS_LZO",
    levels: { max: 9, default: 8 },
  },
] as const satisfies readonly Compressor[];

export type CompressorName = (typeof rows)[number]["name"];

const compressors: readonly (Compressor & { readonly name: CompressorName })[] = rows;

export const compressorNames: readonly CompressorName[] = compressors.map(({ name }) => name);

/** @returns undefined for a name that is not in the table */
export function findCompressor(
  name: string,
): (Compressor & { readonly name: CompressorName }) | undefined {
  return compressors.find((one) => one.name === name);
}

/** @returns undefined for an id that is not in the table */
export function compressorNameOfId(id: number): CompressorName | undefined {
  return compressors.find((one) => one.id === id)?.name;
}
