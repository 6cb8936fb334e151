import { DecompressionError, detectCompression, gunzipStream } from "../compression/index.js";
import { readAt, readChunks } from "../support/index.js";
import { readBzImage } from "./bz-image.js";
import { findBannerVersion, firstVersion, maxVersionBytes } from "./kernel-version.js";
import { imageArchitecture } from "./linux-image.js";
import { type PeHeaders, readPeHeaders } from "./pe.js";
import { isUki, readSectionText } from "./uki.js";
import { isZbootImage } from "./zboot-image.js";

/** The properties of a kernel file. */
export interface KernelImage {
  readonly format:
    | "bzImage"
    | "Image"
    | "compressed Image"
    | "UKI"
    | "EFI zboot image"
    | "EFI program";
  /** OCI's name; undefined if the file does not say. */
  readonly architecture: string | undefined;
  /** The VERSION of `/lib/modules/VERSION`; undefined if the file does not say. */
  readonly version: string | undefined;
  /** Bytes that the file has at least, according to its headers. */
  readonly minBytes: number;
  /** The defect of a compressed Image that cannot be decompressed. */
  readonly damage?: string;
}

/** Enough for all headers, and for a bzImage's version, which is in its setup code. */
const headBytes = 64 * 1024;
/** The header of an Image. */
const imageHeaderBytes = 0x40;

/**
 * Identifies a kernel file: a bzImage, an Image of arm64 or riscv64 (plain or gzipped), or an EFI
 * program, such as a UKI or a zboot image.
 * @returns undefined for other files
 */
export async function readKernelImage(path: string): Promise<KernelImage | undefined> {
  const head = await readAt(path, 0, headBytes);
  if (head.length < imageHeaderBytes) return undefined;
  const bzImage = readBzImage(head);
  if (bzImage !== undefined) return { format: "bzImage", ...bzImage };
  if (detectCompression(head) === "gzip") return readCompressedImage(path);
  const architecture = imageArchitecture(head);
  if (architecture !== undefined) {
    const version = await findBannerVersion(readChunks(path));
    return { format: "Image", architecture, version, minBytes: 0 };
  }
  const pe = readPeHeaders(head);
  return pe && readEfiProgram(path, head, pe);
}

/**
 * The architecture of an uncompressed kernel file, from its headers alone.
 * @returns OCI's name; undefined if the file is compressed or not a kernel
 */
export async function kernelArchitecture(path: string): Promise<string | undefined> {
  const head = await readAt(path, 0, headBytes);
  return (
    readBzImage(head)?.architecture ?? imageArchitecture(head) ?? readPeHeaders(head)?.architecture
  );
}

async function readCompressedImage(path: string): Promise<KernelImage | undefined> {
  let head: Buffer = Buffer.alloc(0);
  const image = async function* () {
    for await (const chunk of gunzipStream({ read: () => readChunks(path) })) {
      if (head.length < imageHeaderBytes) head = Buffer.concat([head, chunk]);
      yield chunk;
    }
  };
  let version: string | undefined;
  let damage: string | undefined;
  try {
    version = await findBannerVersion(image(), { isReadToEnd: true });
  } catch (error) {
    if (!(error instanceof DecompressionError)) throw error;
    damage = error.reason;
  }
  const architecture = imageArchitecture(head);
  if (architecture === undefined) return undefined;
  const found = { format: "compressed Image", architecture, version, minBytes: 0 } as const;
  return damage === undefined ? found : { ...found, damage };
}

async function readEfiProgram(
  path: string,
  head: Buffer,
  { architecture, sections }: PeHeaders,
): Promise<KernelImage> {
  const minBytes = Math.max(0, ...sections.map(({ rawOffset, rawSize }) => rawOffset + rawSize));
  if (isUki(sections)) {
    const uname = await readSectionText(path, sections, ".uname", maxVersionBytes);
    return { format: "UKI", architecture, version: firstVersion(uname ?? ""), minBytes };
  }
  const format = isZbootImage(head) ? "EFI zboot image" : "EFI program";
  return { format, architecture, version: undefined, minBytes };
}
