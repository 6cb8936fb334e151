import { join } from "node:path";
import { checksumsName, descriptionName } from "../artifacts/index.js";
import type { ExtractResult } from "../extract/index.js";

/** Paths of the files that an extraction made, relative as the output directory was. */
export function resultPaths({ directory, description }: ExtractResult): Record<string, string> {
  const { kernel, initrd, squashfs } = description.files;
  return {
    kernel: join(directory, kernel.name),
    initrd: join(directory, initrd.name),
    squashfs: join(directory, squashfs.name),
    description: join(directory, descriptionName),
    checksums: join(directory, checksumsName),
  };
}
