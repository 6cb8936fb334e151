import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type PeHeaders, readPe } from "../../kernel/pe.js";
import { NetbootError } from "../../support/index.js";

/** Bytes; kernels have a tenth of it. */
const largest = 512 * 1024 * 1024;

/**
 * Reads a kernel that is to be started as an EFI program. Those for arm64 may be compressed, which
 * EFI firmware does not undo.
 * @throws NetbootError KERNEL_UNFIT
 */
export async function readEfiKernel(
  path: string,
  architecture: string,
): Promise<{ kernel: Buffer; headers: PeHeaders }> {
  if ((await stat(path)).size > largest) throw unfit("is larger than 512 MiB");
  const bytes = await readFile(path);
  const kernel = bytes[0] === 0x1f && bytes[1] === 0x8b ? await decompressed(bytes) : bytes;
  const headers = readPe(kernel);
  if (headers === undefined) throw unfit("is no EFI program (it was built without EFI stub)");
  if (headers.architecture === architecture) return { kernel, headers };
  throw unfit(`is for another architecture than ${architecture}`);
}

async function decompressed(bytes: Buffer): Promise<Buffer> {
  return promisify(gunzip)(bytes, { maxOutputLength: largest }).catch((cause: unknown) => {
    throw unfit("cannot be decompressed", cause);
  });
}

function unfit(what: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "KERNEL_UNFIT",
    `The image's kernel ${what}; no unified kernel image can be made of it.`,
    "Leave --uki out, or choose another kernel of the image with --kernel.",
    { cause },
  );
}
