import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { imageArchitecture, peMachines } from "./kernel-headers.js";

/** What a kernel file is. */
export interface KernelImage {
  readonly format:
    | "bzImage"
    | "Image"
    | "compressed Image"
    | "UKI"
    | "EFI zboot image"
    | "EFI program";
  /** As OCI names it; undefined where the file does not tell. */
  readonly architecture: string | undefined;
  /** As in `/lib/modules/VERSION`; undefined where the file does not tell. */
  readonly version: string | undefined;
  /** Bytes that it says it has at least. */
  readonly size: number;
  /** What is wrong with a compressed one. */
  readonly damage?: string;
}

/** Enough for all headers, and for a bzImage's version, which stands in its set-up code. */
const headSize = 64 * 1024;
/** Where the set-up header ends. */
const setupEnd = 0x268;
/** An unpacked kernel's banner stands in its read-only data, far before this. */
const mostSearched = 256 * 1024 * 1024;
const longestVersion = 128;

/**
 * What kernel a file is: a bzImage (Linux, Documentation/arch/x86/boot.rst), an Image of arm64 or
 * riscv64 (Documentation/arch/arm64/booting.rst, riscv/boot-image-header.rst), plain or gzipped,
 * or a PE program, a UKI among them (UAPI.5).
 * @returns undefined for other files
 */
export async function readKernelImage(path: string): Promise<KernelImage | undefined> {
  const head = await readAt(path, 0, headSize);
  if (head.length < 0x40) return undefined;
  const isSetUp = head.length >= setupEnd && head.toString("latin1", 0x202, 0x206) === "HdrS";
  if (isSetUp) return bzImage(head);
  if (head.readUInt16BE(0) === 0x1f8b) return compressedImage(path);
  const plain = imageArchitecture(head);
  if (plain !== undefined) {
    const version = await findVersion(createReadStream(path));
    return { format: "Image", architecture: plain, version, size: 0 };
  }
  return peProgram(path, head);
}

function bzImage(head: Buffer): KernelImage {
  const setupSectors = head[0x1f1]! || 4;
  const size = (setupSectors + 1) * 512 + head.readUInt32LE(0x1f4) * 16;
  const pointer = head.readUInt16LE(0x20e);
  const text = pointer === 0 ? "" : cString(head, pointer + 0x200);
  // Bit 0 of xloadflags: it has a 64-bit entry point.
  const is64 = head.readUInt16LE(0x206) < 0x20c || (head.readUInt16LE(0x236) & 1) === 1;
  return {
    format: "bzImage",
    architecture: is64 ? "amd64" : "386",
    version: firstWord(text),
    // The last paragraph of 16 bytes need not be full.
    size: size - 15,
  };
}

async function compressedImage(path: string): Promise<KernelImage | undefined> {
  let first: Buffer = Buffer.alloc(0);
  const plain = async function* () {
    const decoder = createGunzip();
    const file = createReadStream(path).on("error", (error) => decoder.destroy(error));
    try {
      for await (const chunk of file.pipe(decoder)) {
        if (first.length < 0x40) first = Buffer.concat([first, chunk as Buffer]);
        yield chunk as Buffer;
      }
    } finally {
      file.destroy();
    }
  };
  const found = { format: "compressed Image", version: undefined, size: 0 } as const;
  try {
    const version = await findVersion(plain(), { isReadToEnd: true });
    const architecture = imageArchitecture(first);
    return architecture === undefined ? undefined : { ...found, architecture, version };
  } catch (error) {
    const architecture = imageArchitecture(first);
    if (architecture === undefined) return undefined;
    return { ...found, architecture, damage: (error as Error).message };
  }
}

async function peProgram(path: string, head: Buffer): Promise<KernelImage | undefined> {
  if (head.toString("latin1", 0, 2) !== "MZ") return undefined;
  const at = head.readUInt32LE(0x3c);
  if (at + 24 > head.length || head.readUInt32LE(at) !== 0x4550) return undefined;
  const architecture = peMachines[head.readUInt16LE(at + 4)];
  const sections = peSections(head, at);
  const size = Math.max(0, ...sections.map(({ offset, size }) => offset + size));
  if (head.toString("latin1", 4, 8) === "zimg") {
    return { format: "EFI zboot image", architecture, version: undefined, size };
  }
  if (!sections.some(({ name }) => name === ".linux")) {
    return { format: "EFI program", architecture, version: undefined, size };
  }
  const uname = sections.find(({ name }) => name === ".uname");
  const text =
    uname && cString(await readAt(path, uname.offset, Math.min(uname.size, longestVersion)), 0);
  return { format: "UKI", architecture, version: firstWord(text ?? ""), size };
}

interface PeSection {
  readonly name: string;
  /** In the file. */
  readonly offset: number;
  readonly size: number;
}

function peSections(head: Buffer, at: number): PeSection[] {
  const count = head.readUInt16LE(at + 6);
  const start = at + 24 + head.readUInt16LE(at + 20);
  const sections: PeSection[] = [];
  for (let entry = start; entry < start + count * 40; entry += 40) {
    if (entry + 40 > head.length) break;
    sections.push({
      name: cString(head.subarray(entry, entry + 8), 0),
      size: head.readUInt32LE(entry + 16),
      offset: head.readUInt32LE(entry + 20),
    });
  }
  return sections;
}

const banner = "Linux version ";

/** The version in the banner that every Linux kernel holds (init/version.c). */
async function findVersion(
  chunks: AsyncIterable<Buffer | string>,
  { isReadToEnd = false } = {},
): Promise<string | undefined> {
  let rest = "";
  let searched = 0;
  let found: string | undefined;
  for await (const chunk of chunks) {
    searched += chunk.length;
    if (searched > mostSearched) break;
    if (found !== undefined) continue;
    const text = rest + (chunk as Buffer).toString("latin1");
    for (let at = text.indexOf(banner); at >= 0; at = text.indexOf(banner, at + 1)) {
      const start = at + banner.length;
      const version = /^([0-9][\w.+~-]*) /.exec(text.slice(start, start + longestVersion));
      if (version !== null) found ??= version[1]!;
    }
    if (found !== undefined && !isReadToEnd) break;
    rest = text.slice(-(banner.length + longestVersion));
  }
  return found;
}

function cString(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString("latin1", start, end < 0 ? bytes.length : end);
}

function firstWord(text: string): string | undefined {
  return /^[0-9][\w.+~-]{0,127}/.exec(text)?.[0];
}

async function readAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
