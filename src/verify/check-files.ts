import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { NetbootJson } from "../artifacts/index.js";
import { type InitrdFeatures, InitrdFormatError, listInitrd } from "../initrd/index.js";
import { readKernelImage } from "../kernel/index.js";
import { NetbootError } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";
import { fileProblem, unreadable } from "./regular-file.js";

/** The check of a kernel, and the version that the kernel states. */
export interface KernelFinding {
  readonly check: Check;
  readonly version: string | undefined;
}

export interface ModulesFinding {
  readonly check: Check;
  /** Versions with a `/lib/modules/VERSION`; undefined if the file could not be listed. */
  readonly versions: ReadonlySet<string> | undefined;
}

export interface InitrdFinding extends ModulesFinding {
  /** Undefined if the initrd could not be listed. */
  readonly features: InitrdFeatures | undefined;
}

export async function checkKernel(
  directory: string,
  name: string,
  netbootJson: NetbootJson | undefined,
): Promise<KernelFinding> {
  const path = join(directory, name);
  const bad = (problem: string): KernelFinding => ({
    check: failed("kernel", `${name} ${problem}`),
    version: undefined,
  });
  const problem = await fileProblem(path);
  if (problem !== undefined) return bad(problem);
  try {
    const image = await readKernelImage(path);
    if (image === undefined)
      return bad("is not a kernel: neither a bzImage, nor an Image, nor an EFI program");
    const { format, architecture, version, minBytes, damage } = image;
    if (damage !== undefined) return bad(`is a damaged compressed Image (${damage})`);
    const actual = (await stat(path)).size;
    if (actual < minBytes)
      return bad(`is truncated: it has ${actual} of at least ${minBytes} bytes`);
    const wanted = netbootJson?.source.platform.split("/")[1];
    if (wanted !== undefined && architecture !== undefined && architecture !== wanted) {
      return bad(`is for ${architecture}, but the image is for ${wanted}`);
    }
    const what = [
      name,
      "is",
      `a ${format}`.replace(/^a (?=[EI])/, "an "),
      architecture && `for ${architecture}`,
    ];
    const words = [...what, version && `, version ${version}`].filter(Boolean).join(" ");
    return { check: ok("kernel", words.replace(" ,", ",")), version };
  } catch (error) {
    return bad(unreadable(error));
  }
}

export async function checkInitrd(
  directory: string,
  name: string,
  signal: AbortSignal,
): Promise<InitrdFinding> {
  const path = join(directory, name);
  const problem = await fileProblem(path);
  if (problem !== undefined) return badInitrd(`${name} ${problem}`);
  try {
    const { entries, parts, moduleVersions, features } = await listInitrd(path, signal);
    const how = parts.join(" + ").replace(/^cpio$/, "uncompressed");
    const what = `${name} is complete: ${entries} entries (${how})`;
    return { check: ok("initrd", what), versions: moduleVersions, features };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InitrdFormatError) return badInitrd(`${name} ${error.message}`);
    if (error instanceof NetbootError) {
      const check = unchecked("initrd", `${name}: ${error.message} ${error.hint}`);
      return { check, versions: undefined, features: undefined };
    }
    return badInitrd(`${name} ${unreadable(error)}`);
  }
}

function badInitrd(what: string): InitrdFinding {
  return { check: failed("initrd", what), versions: undefined, features: undefined };
}
