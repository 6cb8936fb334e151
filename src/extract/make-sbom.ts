import { ImageTree } from "../kairos/index.js";
import { formatCycloneDx, formatSpdx, readPackages } from "../sbom/index.js";
import { programVersion } from "../support/index.js";
import type { ArtifactInput } from "./artifact-input.js";
import type { SbomFormat } from "./option-values.js";

/** The list of the image's packages. */
export async function makeSbom(input: ArtifactInput, format: SbomFormat): Promise<string> {
  const { source, image, root, options } = input;
  const tree = new ImageTree(root.merged.root);
  const list = await readPackages(tree, (inode) => root.merged.read(inode));
  for (const problem of list.problems) {
    const text = `The list of packages is incomplete: ${problem}.`;
    options.emit({ type: "message", level: "warning", text });
  }
  if (list.databases.length === 0 && list.problems.length === 0) {
    const text = "The image has no package database (dpkg, rpm, apk): the list is empty.";
    options.emit({ type: "message", level: "warning", text });
  }
  const subject = {
    name: root.name,
    reference: source.reference,
    digest: image.digest,
    created: image.config.created ?? undefined,
    program: { name: "kairos-netboot", version: programVersion() },
  };
  return format === "cyclonedx" ? formatCycloneDx(list, subject) : formatSpdx(list, subject);
}
