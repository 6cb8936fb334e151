import { join } from "node:path";
import type { WrittenNetbootJson } from "../artifacts/index.js";
import { isoReleaseFrom, makeReleaseIso, makeUki, signEfiProgram } from "../boot-media/index.js";
import { expandCommandLine, formatOsRelease } from "../kairos/index.js";
import type { CheckedIso, CheckedUki } from "./boot-media-options.js";

export interface BootMediaInput {
  /** The file to write. */
  readonly path: string;
  /** URL of the directory on a web server. */
  readonly url: string;
  /** Of the files that are already in `directory`. */
  readonly netbootJson: WrittenNetbootJson;
  readonly directory: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** @throws NetbootError USAGE_INVALID, PROGRAM_FAILED */
export async function makeIsoFile(input: BootMediaInput, { ipxeDir }: CheckedIso): Promise<void> {
  const { path, url, netbootJson, scratch, signal } = input;
  const release = isoReleaseFrom(netbootJson);
  await makeReleaseIso({ path, scratch, release, url, ipxeDir, signal });
}

/** @throws NetbootError PROGRAM_FAILED, SIGNING_FAILED, KERNEL_UNFIT, STUB_INVALID */
export async function makeUkiFile(input: BootMediaInput, { signing }: CheckedUki): Promise<void> {
  const { path, url, netbootJson, directory, signal } = input;
  const { name, files, source, kernel, kairos, commandLine } = netbootJson;
  const config = files.cloudConfig === undefined ? undefined : `${url}/${files.cloudConfig.name}`;
  const words = expandCommandLine(commandLine, { url, config }).split(" ");
  await makeUki({
    path,
    architecture: source.platform.split("/")[1] ?? source.platform,
    kernel: join(directory, files.kernel.name),
    initrd: join(directory, files.initrd.name),
    // The initrd is part of the program: the kernel must not look for a file of that name.
    commandLine: words.filter((word) => !word.startsWith("initrd=")).join(" "),
    kernelVersion: kernel.version ?? undefined,
    osRelease: formatOsRelease(name, kairos.release),
  });
  if (signing !== undefined) await signEfiProgram(path, signing, signal);
}
