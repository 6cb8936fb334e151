import { open, stat } from "node:fs/promises";
import { extendPe, type NewSection } from "../../kernel/pe.js";
import { NetbootError, readChunks } from "../../support/index.js";
import { readEfiKernel } from "./efi-kernel.js";
import { findStub, readStub } from "./stub.js";

export interface UkiOptions {
  /** The file to make. */
  readonly path: string;
  /** As OCI names it. */
  readonly architecture: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  /** As `uname -r` says; undefined where it is not known. */
  readonly kernelVersion: string | undefined;
  /** Lines of an os-release file. */
  readonly osRelease: string;
}

/** What is addressed with 32 bits, and some room. */
const largestInitrd = 3 * 1024 ** 3;

/**
 * Joins kernel, initrd and command line into one EFI program: a unified kernel image (UAPI.5).
 * The same bytes every time.
 * @throws NetbootError PROGRAM_MISSING, STUB_INVALID, KERNEL_UNFIT, USAGE_INVALID
 */
export async function makeUki(options: UkiOptions): Promise<void> {
  const { path, architecture, initrd, commandLine, kernelVersion, osRelease } = options;
  const stub = await readStub(await findStub(architecture), architecture);
  const { kernel, headers } = await readEfiKernel(options.kernel, architecture);
  const { size } = await stat(initrd);
  if (size > largestInitrd) throw tooLarge();
  const texts: [string, string][] = [
    [".osrel", osRelease],
    [".cmdline", commandLine],
    ...(kernelVersion === undefined ? [] : [[".uname", kernelVersion] as [string, string]]),
  ];
  // The kernel comes last, with room for what it only has in memory: it may be started in place.
  const contents: (NewSection & { readonly bytes: Buffer | string })[] = [
    ...texts.map(([name, text]) => ({
      name,
      bytes: Buffer.from(text),
      size: Buffer.byteLength(text),
    })),
    { name: ".initrd", bytes: initrd, size },
    {
      name: ".linux",
      bytes: kernel,
      size: kernel.length,
      memory: headers.imageSize,
      isCode: true,
    },
  ];
  const { head, paddings } = extendPe(stub.program, stub.headers, contents);
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(head);
    for (const [index, { bytes }] of contents.entries()) {
      const chunks = typeof bytes === "string" ? readChunks(bytes) : [bytes];
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.writeFile(Buffer.alloc(paddings[index]!));
    }
  } finally {
    await file.close();
  }
}

function tooLarge(): NetbootError {
  return new NetbootError(
    "KERNEL_UNFIT",
    "The image's initrd is larger than 3 GiB; no unified kernel image can be made of it.",
    "Leave --uki out.",
  );
}
