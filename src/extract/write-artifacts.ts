import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  checksumsName,
  checksumsSignatureName,
  describeFile,
  type FileDescription,
  filesOf,
  formatChecksums,
  formatNetbootJson,
  formatProvenance,
  netbootJsonName,
  provenanceName,
  type WrittenNetbootJson,
} from "../artifacts/index.js";
import { imagePurl } from "../sbom/index.js";
import { sign } from "../signatures/index.js";
import { sha256Hex } from "../support/index.js";
import type { ArtifactInput } from "./artifact-input.js";
import { type ArtifactKind, artifactTable } from "./artifact-table.js";
import { describeRelease } from "./describe-release.js";
import type { Keys } from "./signing-keys.js";

/**
 * Completes the staged directory: the artifacts first, then netboot.json, which lists them, then
 * provenance.json, the checksums of all of them, and their signature.
 */
export async function writeArtifacts(
  input: ArtifactInput,
  keys: Keys,
): Promise<WrittenNetbootJson> {
  const { staging, source, image } = input;
  warnAboutHttps(input);
  const netbootJson = await makeArtifacts(input);
  const json = formatNetbootJson(netbootJson);
  const imageUri = imagePurl(source.reference, image.digest);
  const provenance = formatProvenance(netbootJson, json, imageUri);
  const checksums = formatChecksums([
    ...filesOf(netbootJson),
    { name: netbootJsonName, sha256: sha256Hex(json) },
    { name: provenanceName, sha256: sha256Hex(provenance) },
  ]);
  const write = (name: string, content: string | Uint8Array) =>
    writeFile(join(staging.directory, name), content);
  await write(netbootJsonName, json);
  await write(provenanceName, provenance);
  await write(checksumsName, checksums);
  if (keys.sign !== undefined) {
    await write(checksumsSignatureName, sign(Buffer.from(checksums), keys.sign));
  }
  return netbootJson;
}

/** @returns their entries for netboot.json */
async function makeArtifacts(input: ArtifactInput): Promise<WrittenNetbootJson> {
  const { staging, source, image, root, options } = input;
  const files: { [Kind in ArtifactKind]?: FileDescription } = {};
  const describeFiles = () => {
    const { kernel, initrd, squashfs, script, ...others } = files;
    if (!kernel || !initrd || !squashfs || !script) throw new TypeError("a file is missing");
    const all = { kernel, initrd, squashfs, script, ...others };
    return describeRelease(all, { reference: source.reference, image }, root, options);
  };
  for (const kind of Object.keys(artifactTable) as ArtifactKind[]) {
    const artifact = artifactTable[kind](input);
    if (artifact === undefined) continue;
    await artifact.make(join(staging.directory, artifact.name), describeFiles);
    files[kind] = await describeFile(staging.directory, artifact.name);
  }
  return describeFiles();
}

/** The wget of Alpine's initrd, busybox's, only knows plain HTTP. */
function warnAboutHttps({ root, options }: ArtifactInput): void {
  if (!/^alpine/i.test(root.facts.release.flavor ?? "")) return;
  if (!options.url?.startsWith("https:")) return;
  const text = "Alpine's initrd cannot fetch over HTTPS: machines will not find their squashfs.";
  options.emit({ type: "message", level: "warning", text });
}
