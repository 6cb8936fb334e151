import { type FileHandle, open, stat } from "node:fs/promises";
import { NetbootError, readChunks } from "../../support/index.js";
import { readEfiKernel } from "./efi-kernel.js";
import { extendPe, type NewSection } from "./extend-pe.js";
import { findStub, readStub } from "./stub.js";

export interface UkiOptions {
  /** The file to make. */
  readonly path: string;
  /** OCI's name. */
  readonly architecture: string;
  /** Path of the kernel. */
  readonly kernel: string;
  /** Path of the initrd. */
  readonly initrd: string;
  readonly commandLine: string;
  /** What `uname -r` prints; undefined if unknown. */
  readonly kernelVersion: string | undefined;
  /** Contents of an os-release file. */
  readonly osRelease: string;
}

/** All addresses have 32 bits, and the kernel needs some room. */
const maxInitrdBytes = 3 * 1024 ** 3;

/** A section of the UKI. The contents are bytes, or the path of a file. */
interface UkiSection extends NewSection {
  readonly contents: Buffer | string;
}

/**
 * Joins a kernel, an initrd and a command line into one EFI program: a unified kernel image (UAPI.5).
 * The same input always gives the same bytes.
 * @throws NetbootError PROGRAM_MISSING, STUB_INVALID, KERNEL_UNFIT, USAGE_INVALID
 */
export async function makeUki(options: UkiOptions): Promise<void> {
  const { path, architecture } = options;
  const stub = await readStub(await findStub(architecture), architecture);
  const sections = await sectionsOf(options);
  const { head, paddings } = extendPe(stub.program, stub.headers, sections);
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(head);
    for (const [index, section] of sections.entries()) {
      await writeContents(file, section);
      await file.writeFile(Buffer.alloc(paddings[index] ?? 0));
    }
  } finally {
    await file.close();
  }
}

async function sectionsOf(options: UkiOptions): Promise<UkiSection[]> {
  const { architecture, initrd, commandLine, kernelVersion, osRelease } = options;
  const { kernel, headers } = await readEfiKernel(options.kernel, architecture);
  const { size } = await stat(initrd);
  if (size > maxInitrdBytes) throw tooLarge();
  return [
    textSection(".osrel", osRelease),
    textSection(".cmdline", commandLine),
    ...(kernelVersion === undefined ? [] : [textSection(".uname", kernelVersion)]),
    { name: ".initrd", contents: initrd, size },
    // The kernel may be started in place, so it comes last, with room for what it has only in memory.
    {
      name: ".linux",
      contents: kernel,
      size: kernel.length,
      memorySize: headers.imageSize,
      isCode: true,
    },
  ];
}

function textSection(name: string, text: string): UkiSection {
  const contents = Buffer.from(text);
  return { name, contents, size: contents.length };
}

async function writeContents(file: FileHandle, { contents }: UkiSection): Promise<void> {
  const chunks = typeof contents === "string" ? readChunks(contents) : [contents];
  for await (const chunk of chunks) await file.writeFile(chunk);
}

function tooLarge(): NetbootError {
  return new NetbootError(
    "KERNEL_UNFIT",
    "The image's initrd is larger than 3 GiB, which is too much for a unified kernel image.",
    "Omit --uki.",
  );
}
