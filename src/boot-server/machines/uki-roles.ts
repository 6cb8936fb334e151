import { open } from "node:fs/promises";
import { readPe } from "../../boot-media/uki/index.js";
import type { FileRole } from "../files/served-file.js";

/** Enough for all headers of a program. */
const headersBytes = 64 * 1024;
/** More than kernels accept. */
const maxCommandLineBytes = 4096;
/** The squashfs is served by this program. */
const ownSquashfs = /(?:^|\s)root=live:http:\/\/[^/\s]+(?:\/for\/[^/\s]+)?\/releases\/[^/\s]+\//;

/**
 * The files that a machine fetches in all if it starts a UKI (UAPI.5): it does not ask for a script.
 * @returns undefined for other programs, such as iPXE
 */
export async function readUkiRoles(path: string): Promise<readonly FileRole[] | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headersBytes), 0, headersBytes, 0);
    const sections = readPe(buffer.subarray(0, bytesRead))?.sections ?? [];
    if (!sections.some(({ name }) => name === ".linux")) return undefined;
    const line = sections.find(({ name }) => name === ".cmdline");
    if (line === undefined) return ["boot-program"];
    const size = Math.min(line.virtualSize, line.rawSize, maxCommandLineBytes);
    const read = await file.read(Buffer.alloc(size), 0, size, line.rawOffset);
    const words = read.buffer.toString("latin1", 0, read.bytesRead);
    return ownSquashfs.test(words) ? ["boot-program", "squashfs"] : ["boot-program"];
  } finally {
    await file.close();
  }
}
