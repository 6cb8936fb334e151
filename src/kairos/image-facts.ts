import { findBuiltInDrivers, type RootDriver } from "../initrd/index.js";
import { KernelConfig } from "../kernel/index.js";
import type { Inode } from "../layers/index.js";
import { hasName } from "./artifact-name.js";
import { findBootFiles, maxTextBytes, type WantedBootFiles } from "./boot-files.js";
import type { ImageContents } from "./image-contents.js";
import type { ImageTree } from "./image-tree.js";
import type { Initrd } from "./initrds.js";
import { type KairosRelease, parseKairosRelease, releaseFiles } from "./kairos-release.js";
import type { Kernel } from "./kernels.js";
import { besideModules } from "./module-directories.js";

/** Everything about an image that netbooting it depends on. */
export interface KairosFacts {
  readonly release: KairosRelease;
  readonly kernel: Kernel;
  readonly initrd: Initrd;
  /** Undefined if the image does not contain it. */
  readonly kernelConfig: KernelConfig | undefined;
  /** Drivers for the root file system that are built into the kernel, as far as the image says. */
  readonly builtInDrivers: readonly RootDriver[];
  readonly hasSelinux: boolean;
}

/** @throws NetbootError as `findBootFiles` */
export async function readKairosFacts(
  tree: ImageTree,
  contents: ImageContents,
  wanted: WantedBootFiles,
): Promise<KairosFacts> {
  const release = await readKairosRelease(tree, contents);
  const { kernel, initrd } = await findBootFiles(tree, contents, release, wanted);
  const config = kernelConfigFile(tree, kernel.version);
  const list = builtInListFile(tree, kernel.version);
  const texts = await Promise.all([config, list].map((file) => file && contents.read(file)));
  return {
    release,
    kernel,
    initrd,
    kernelConfig: texts[0] && new KernelConfig(texts[0]),
    builtInDrivers: findBuiltInDrivers(texts.join("\n")),
    hasSelinux: tree.file("/etc/selinux/config") !== undefined,
  };
}

/**
 * Reads what the image says of itself. The second release file counts only if the first is missing or
 * does not say enough: otherwise it may describe another release.
 */
export async function readKairosRelease(
  tree: ImageTree,
  contents: ImageContents,
): Promise<KairosRelease> {
  const texts: Buffer[] = [];
  for (const path of releaseFiles) {
    const file = textFile(tree, path);
    if (file !== undefined) texts.push(await contents.read(file));
    if (hasName(parseKairosRelease(texts))) break;
  }
  return parseKairosRelease(texts);
}

function kernelConfigFile(tree: ImageTree, version: string | undefined): Inode | undefined {
  if (version === undefined) return undefined;
  const paths = [`/boot/config-${version}`, ...besideModules(version, "config")];
  return firstTextFile(tree, paths);
}

function builtInListFile(tree: ImageTree, version: string | undefined): Inode | undefined {
  return version === undefined
    ? undefined
    : firstTextFile(tree, besideModules(version, "modules.builtin"));
}

function firstTextFile(tree: ImageTree, paths: readonly string[]): Inode | undefined {
  for (const path of paths) {
    const file = textFile(tree, path);
    if (file !== undefined) return file;
  }
  return undefined;
}

function textFile(tree: ImageTree, path: string): Inode | undefined {
  const inode = tree.file(path)?.inode;
  return inode !== undefined && inode.entry.size <= maxTextBytes ? inode : undefined;
}
