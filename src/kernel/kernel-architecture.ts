import { open } from "node:fs/promises";
import { imageArchitecture, peMachines } from "./kernel-headers.js";

/** What is read of a kernel: the PE header of an EFI program is within it. */
const headSize = 4096;

/**
 * The architecture that a kernel file is for, as OCI names it: by its PE header, or as a bzImage
 * (Linux, Documentation/arch/x86/boot.rst) or an arm64 Image (Documentation/arch/arm64/booting.rst).
 * @returns undefined for other files, compressed ones among them
 */
export async function kernelArchitecture(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headSize), 0, headSize, 0);
    const head = buffer.subarray(0, bytesRead);
    return peArchitecture(head) ?? bzImageArchitecture(head) ?? imageArchitecture(head);
  } finally {
    await file.close();
  }
}

function peArchitecture(head: Buffer): string | undefined {
  if (head.length < 0x40 || head.toString("latin1", 0, 2) !== "MZ") return undefined;
  const at = head.readUInt32LE(0x3c);
  if (at + 6 > head.length || head.readUInt32LE(at) !== 0x4550) return undefined;
  return peMachines[head.readUInt16LE(at + 4)];
}

function bzImageArchitecture(head: Buffer): string | undefined {
  return head.toString("latin1", 0x202, 0x206) === "HdrS" ? "amd64" : undefined;
}
