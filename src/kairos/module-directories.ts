import type { ByteString } from "../tar/index.js";
import type { ImageTree } from "./image-tree.js";

/** In most images, one is a link to the other. Some have only the first, older ones only the second. */
const parents = ["/usr/lib/modules", "/lib/modules"] as const;

/** Paths at which a file may be that belongs to the modules of a kernel. */
export function besideModules(version: ByteString, name: ByteString): ByteString[] {
  return parents.map((parent) => `${parent}/${version}/${name}`);
}

/** The VERSION of a file beside the modules of a kernel, `…/lib/modules/VERSION/FILE`. */
export function versionBeside(path: ByteString): ByteString | undefined {
  return /^\/?(?:usr\/)?lib\/modules\/([^/]+)\/[^/]+$/.exec(path)?.[1];
}

/** The versions whose modules the image has, complete or not. */
export function moduleVersions(tree: ImageTree): ByteString[] {
  const versions = parents.flatMap((parent) =>
    tree.list(parent).filter((name) => tree.isDirectory(`${parent}/${name}`)),
  );
  return [...new Set(versions)];
}

/** Paths of everything beside modules. */
export function listBesideModules(tree: ImageTree): ByteString[] {
  const directories = parents.flatMap((parent) =>
    tree.list(parent).map((version) => `${parent}/${version}`),
  );
  return directories.flatMap((directory) =>
    tree.list(directory).map((name) => `${directory}/${name}`),
  );
}

export function hasCompleteModules(tree: ImageTree, version: ByteString): boolean {
  return parents.some((parent) => {
    const directory = `${parent}/${version}`;
    return tree.exists(`${directory}/modules.dep`) && tree.isDirectory(`${directory}/kernel`);
  });
}
