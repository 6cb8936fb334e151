import { open } from "node:fs/promises";
import { readPe } from "../../boot-media/uki/index.js";
import type { FileRole } from "../files/served-file.js";

/** Bytes at the beginning of a program that hold all of its headers. */
const headersSize = 64 * 1024;
/** Bytes of a command line that are looked at: more than kernels take. */
const commandLineSize = 4096;
/** A squashfs as this server has it. */
const ownSquashfs = /(?:^|\s)root=live:http:\/\/[^/\s]+(?:\/for\/[^/\s]+)?\/releases\/[^/\s]+\//;

/**
 * What a machine fetches that starts a UKI (UAPI.5): its firmware asks for no script after it.
 * @returns undefined for other programs, as iPXE
 */
export async function readUkiRoles(path: string): Promise<readonly FileRole[] | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headersSize), 0, headersSize, 0);
    const sections = readPe(buffer.subarray(0, bytesRead))?.sections ?? [];
    if (!sections.some(({ name }) => name === ".linux")) return undefined;
    const line = sections.find(({ name }) => name === ".cmdline");
    if (line === undefined) return ["boot-program"];
    const size = Math.min(line.virtualSize, line.rawSize, commandLineSize);
    const read = await file.read(Buffer.alloc(size), 0, size, line.rawOffset);
    const words = read.buffer.toString("latin1", 0, read.bytesRead);
    return ownSquashfs.test(words) ? ["boot-program", "squashfs"] : ["boot-program"];
  } finally {
    await file.close();
  }
}
