import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { detectCompression } from "../../compression/index.js";
import { type PeProgram, readPeProgram } from "../../kernel/index.js";
import { NetbootError } from "../../support/index.js";

/** Ten times as much as a kernel has. */
const maxKernelBytes = 512 * 1024 * 1024;

/**
 * Reads a kernel that is going to be started as an EFI program. Kernels for arm64 may be gzipped;
 * EFI firmware does not decompress them, so this does.
 * @throws NetbootError KERNEL_UNFIT
 */
export async function readEfiKernel(
  path: string,
  architecture: string,
): Promise<{ kernel: Buffer; headers: PeProgram }> {
  if ((await stat(path)).size > maxKernelBytes) throw unfit("is larger than 512 MiB");
  const bytes = await readFile(path);
  const kernel = detectCompression(bytes) === "gzip" ? await decompressed(bytes) : bytes;
  const headers = readPeProgram(kernel);
  if (headers === undefined) throw unfit("is not an EFI program (it was built without EFI stub)");
  if (headers.architecture === architecture) return { kernel, headers };
  throw unfit(`is for an architecture other than ${architecture}`);
}

async function decompressed(bytes: Buffer): Promise<Buffer> {
  return promisify(gunzip)(bytes, { maxOutputLength: maxKernelBytes }).catch((cause: unknown) => {
    throw unfit("cannot be decompressed", cause);
  });
}

function unfit(problem: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "KERNEL_UNFIT",
    `The image's kernel ${problem}, so it cannot become part of a unified kernel image.`,
    "Omit --uki, or choose another kernel of the image with --kernel.",
    { cause },
  );
}
