import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  checksumsName,
  type Description,
  describeFile,
  descriptionName,
  fileNames,
  filesOf,
  formatChecksums,
  formatDescription,
  ipxeScript,
  type Staging,
  sha256OfText,
} from "../artifacts/index.js";
import type { Flattening } from "../layers/index.js";
import type { ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import { printable } from "../support/index.js";
import { commandLineOf, describe } from "./describe.js";
import type { CheckedOptions } from "./options.js";
import type { RootFilesystem } from "./root-filesystem.js";

export interface ArtifactsInput {
  readonly staging: Staging;
  readonly flattening: Flattening;
  readonly source: ImageSource;
  readonly image: ResolvedImage;
  readonly root: RootFilesystem;
  readonly options: CheckedOptions;
}

/**
 * Completes the staged directory: everything but the squashfs itself is written here. What is in
 * `files` first, then `netboot.json`, which lists it, then the sums of all.
 */
export async function writeArtifacts(input: ArtifactsInput): Promise<Description> {
  const { staging, source, image, root, options } = input;
  const { directory } = staging;
  warnOfHttps(input);
  const files = await writeFiles(input);
  const description = describe(files, { reference: source.reference, image }, root, options);
  const json = formatDescription(description);
  await writeFile(join(directory, descriptionName), json);
  const sums = [...filesOf(description), { name: descriptionName, sha256: sha256OfText(json) }];
  await writeFile(join(directory, checksumsName), formatChecksums(sums));
  return description;
}

async function writeFiles(input: ArtifactsInput): Promise<Description["files"]> {
  const { staging, flattening, root, options } = input;
  const { directory, scratch } = staging;
  const { kernel, initrd } = root.facts;
  const { cloudConfig } = options.boot;
  const names = fileNames(root.name);
  const at = (name: string) => join(directory, name);
  await flattening.putAt(kernel.file.inode, at(names.kernel));
  await flattening.putAt(initrd.file.inode, at(names.initrd));
  await rename(join(scratch, "root.squashfs"), at(names.squashfs));
  await writeFile(at(names.script), scriptOf(input));
  if (cloudConfig !== undefined) await writeFile(at(names.cloudConfig), cloudConfig.bytes);
  const described = (name: string) => describeFile(directory, name);
  return {
    kernel: await described(names.kernel),
    initrd: await described(names.initrd),
    squashfs: await described(names.squashfs),
    script: await described(names.script),
    ...(cloudConfig === undefined ? {} : { cloudConfig: await described(names.cloudConfig) }),
  };
}

/** Its busybox has wget, which knows plain HTTP only. */
function warnOfHttps({ root, options }: ArtifactsInput): void {
  if (!/^alpine/i.test(root.facts.release.flavor ?? "")) return;
  if (!options.boot.url?.startsWith("https:")) return;
  const text = "Alpine's initrd cannot fetch by HTTPS: machines will not find their squashfs.";
  options.emit({ type: "message", level: "warning", text });
}

function scriptOf({ source, image, root, options }: ArtifactsInput): string {
  const { url, words, cloudConfig } = options.boot;
  return ipxeScript({
    name: root.name,
    source: `${printable(source.reference)}, ${image.digest}`,
    architecture: image.platform.architecture,
    commandLine: commandLineOf(root, options),
    url,
    words,
    cloudConfig: cloudConfig === undefined ? undefined : fileNames(root.name).cloudConfig,
  });
}
