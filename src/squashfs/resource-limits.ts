import { availableParallelism, totalmem } from "node:os";

const mebibyte = 1024 * 1024;
const minMemoryBytes = 64 * mebibyte;

/**
 * mksquashfs options that limit its memory and processors; they do not change its output. By
 * default, mksquashfs takes a quarter of the machine's memory, even if a container may only use
 * part of that, and fills it with waiting blocks. That is slower than reusing less memory.
 * @param processors number of compressing threads; all processors if undefined
 */
export function resourceOptions(processors: number | undefined): string[] {
  const available = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const sufficient = Math.max(256, 32 * (processors ?? availableParallelism())) * mebibyte;
  const bytes = Math.max(minMemoryBytes, Math.min(available / 4, sufficient));
  const options = ["-mem", `${Math.floor(bytes / mebibyte)}M`];
  if (processors !== undefined) options.push("-processors", String(processors));
  return options;
}
