import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactNames, type Staging, type WrittenNetbootJson } from "../artifacts/index.js";
import type { ArtifactInput } from "./artifact-input.js";
import { makeIsoFile, makeUkiFile } from "./make-boot-media.js";
import { makeSbom } from "./make-sbom.js";
import { makeScript } from "./make-script.js";

export type ArtifactKind = keyof WrittenNetbootJson["files"];

/** Makes the file at `path`; `netbootJson` describes the artifacts in the rows above. */
type MakeArtifact = (path: string, netbootJson: () => WrittenNetbootJson) => Promise<void>;

/** @returns undefined if the options do not ask for this artifact */
type ArtifactRow = (
  input: ArtifactInput,
) => { readonly name: string; readonly make: MakeArtifact } | undefined;

/** Path of the squashfs in the scratch directory, where it grows while the layers are read. */
export function squashfsScratchPath({ scratch }: Staging): string {
  return join(scratch, "root.squashfs");
}

/**
 * The files that `extract` publishes, one row each, in the order in which it makes them. The keys are
 * those of `files` in netboot.json; `artifactNames` has the names.
 */
export const artifactTable: { readonly [Kind in ArtifactKind]-?: ArtifactRow } = {
  kernel: ({ root }) => ({
    name: artifactNames(root.name).kernel,
    make: (path) => root.merged.copyTo(root.facts.kernel.file.inode, path),
  }),
  initrd: ({ root }) => ({
    name: artifactNames(root.name).initrd,
    make: (path) => root.merged.copyTo(root.facts.initrd.file.inode, path),
  }),
  squashfs: ({ staging, root }) => ({
    name: artifactNames(root.name).squashfs,
    make: (path) => rename(squashfsScratchPath(staging), path),
  }),
  script: (input) => ({
    name: artifactNames(input.root.name).script,
    make: (path) => writeFile(path, makeScript(input)),
  }),
  cloudConfig: ({ root, options: { cloudConfig } }) =>
    cloudConfig && {
      name: artifactNames(root.name).cloudConfig,
      make: (path) => writeFile(path, cloudConfig.bytes),
    },
  sbom: (input) => {
    const { sbom } = input.options;
    return (
      sbom && {
        name: artifactNames(input.root.name)[sbom],
        make: async (path) => writeFile(path, await makeSbom(input, sbom)),
      }
    );
  },
  iso: ({ staging, root, options: { bootMedia }, signal }) => {
    const { url, iso } = bootMedia ?? {};
    if (url === undefined || iso === undefined) return undefined;
    return {
      name: artifactNames(root.name).iso,
      make: (path, netbootJson) =>
        makeIsoFile({ path, url, netbootJson: netbootJson(), ...placesOf(staging), signal }, iso),
    };
  },
  uki: ({ staging, root, options: { bootMedia }, signal }) => {
    const { url, uki } = bootMedia ?? {};
    if (url === undefined || uki === undefined) return undefined;
    return {
      name: artifactNames(root.name).uki,
      make: (path, netbootJson) =>
        makeUkiFile({ path, url, netbootJson: netbootJson(), ...placesOf(staging), signal }, uki),
    };
  },
};

function placesOf({ directory, scratch }: Staging): { directory: string; scratch: string } {
  return { directory, scratch };
}
