import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../support/index.js";
import type { FileDescription, NetbootJson } from "./netboot-json.js";

/** File names of a release; Kairos's own releases use the same ones where they have such a file. */
export function artifactNames(name: string) {
  return {
    kernel: `${name}-kernel`,
    initrd: `${name}-initrd`,
    squashfs: `${name}.squashfs`,
    script: `${name}.ipxe`,
    cloudConfig: `${name}-cloud-config.yaml`,
    spdx: `${name}.spdx.json`,
    cyclonedx: `${name}.cdx.json`,
    iso: `${name}-ipxe.iso`,
    uki: `${name}.efi`,
  };
}

/** @throws system errors; EINVAL if it is not a file; the reason of an aborted signal */
export async function describeFile(
  directory: string,
  name: string,
  signal?: AbortSignal,
): Promise<FileDescription> {
  const size = await sizeOfFile(directory, name);
  return { name, size, sha256: await sha256OfFile(join(directory, name), signal) };
}

/**
 * Size in bytes. Refuses anything but files: reading a pipe would wait, and a device may never end.
 * @throws as `describeFile`
 */
export async function sizeOfFile(directory: string, name: string): Promise<number> {
  const found = await stat(join(directory, name));
  if (found.isFile()) return found.size;
  throw Object.assign(new Error(`${name} is not a file`), { code: "EINVAL" });
}

export function filesOf({ files }: Pick<NetbootJson, "files">): FileDescription[] {
  return Object.values(files).filter((file) => file !== undefined);
}
