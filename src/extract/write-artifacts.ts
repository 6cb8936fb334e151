import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  artifactNames,
  checksumsName,
  checksumsSignatureName,
  describeFile,
  filesOf,
  formatChecksums,
  formatNetbootJson,
  formatProvenance,
  ipxeScript,
  netbootJsonName,
  provenanceName,
  type Staging,
  type WrittenNetbootJson,
} from "../artifacts/index.js";
import type { ResolvedImage } from "../oci-client/index.js";
import { imagePurl } from "../sbom/index.js";
import { sign } from "../signatures/index.js";
import type { ImageSource } from "../sources/index.js";
import { sanitize, sha256Hex } from "../support/index.js";
import { writeBootMedia } from "./add-boot-media.js";
import { commandLineOf, describe } from "./describe-release.js";
import type { CheckedOptions } from "./extract-options.js";
import type { RootFilesystem } from "./root-filesystem.js";
import type { Keys } from "./signing-keys.js";
import { sbomOf } from "./write-sbom.js";

export interface ArtifactsInput {
  readonly staging: Staging;
  readonly source: ImageSource;
  readonly image: ResolvedImage;
  readonly root: RootFilesystem;
  readonly options: CheckedOptions;
  readonly keys: Keys;
  readonly signal: AbortSignal;
}

/**
 * Completes the staged directory: everything but the squashfs itself is written here. What is in
 * `files` first, then `netboot.json`, which lists it, then where all that comes from, the sums of
 * all, and their signature.
 */
export async function writeArtifacts(input: ArtifactsInput): Promise<WrittenNetbootJson> {
  const { staging, source, image, root, options, keys, signal } = input;
  const { directory, scratch } = staging;
  warnOfHttps(input);
  const files = await writeFiles(input);
  const plain = describe(files, { reference: source.reference, image }, root, options);
  const media = options.bootMedia;
  const more = await writeBootMedia({ media, description: plain, directory, scratch, signal });
  const description = { ...plain, files: { ...files, ...more } };
  const json = formatNetbootJson(description);
  await writeFile(join(directory, netbootJsonName), json);
  const imageUri = imagePurl(source.reference, image.digest);
  const provenance = formatProvenance(description, json, imageUri);
  await writeFile(join(directory, provenanceName), provenance);
  const sums = formatChecksums([
    ...filesOf(description),
    { name: netbootJsonName, sha256: sha256Hex(json) },
    { name: provenanceName, sha256: sha256Hex(provenance) },
  ]);
  await writeFile(join(directory, checksumsName), sums);
  if (keys.sign !== undefined) {
    await writeFile(join(directory, checksumsSignatureName), sign(Buffer.from(sums), keys.sign));
  }
  return description;
}

async function writeFiles(input: ArtifactsInput): Promise<WrittenNetbootJson["files"]> {
  const { staging, root, options } = input;
  const { directory, scratch } = staging;
  const { kernel, initrd } = root.facts;
  const { cloudConfig } = options.boot;
  const names = artifactNames(root.name);
  const at = (name: string) => join(directory, name);
  await root.merged.copyTo(kernel.file.inode, at(names.kernel));
  await root.merged.copyTo(initrd.file.inode, at(names.initrd));
  await rename(join(scratch, "root.squashfs"), at(names.squashfs));
  await writeFile(at(names.script), scriptOf(input));
  if (cloudConfig !== undefined) await writeFile(at(names.cloudConfig), cloudConfig.bytes);
  const sbom = options.sbom && names[options.sbom];
  if (sbom !== undefined) await writeFile(at(sbom), await sbomOf(input));
  const described = (name: string) => describeFile(directory, name);
  return {
    kernel: await described(names.kernel),
    initrd: await described(names.initrd),
    squashfs: await described(names.squashfs),
    script: await described(names.script),
    ...(cloudConfig === undefined ? {} : { cloudConfig: await described(names.cloudConfig) }),
    ...(sbom === undefined ? {} : { sbom: await described(sbom) }),
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
    source: `${sanitize(source.reference)}, ${image.digest}`,
    architecture: image.platform.architecture,
    commandLine: commandLineOf(root, options),
    url,
    words,
    cloudConfig: cloudConfig === undefined ? undefined : artifactNames(root.name).cloudConfig,
  });
}
