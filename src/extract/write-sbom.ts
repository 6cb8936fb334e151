import { captureRule, ImageTree } from "../kairos/index.js";
import { cycloneDx, isPackageDatabase, readPackages, spdx } from "../sbom/index.js";
import { programVersion } from "../support/index.js";
import type { CheckedOptions } from "./extract-options.js";
import type { ArtifactsInput } from "./write-artifacts.js";

/** What is kept of the layers as they pass by: databases of packages only where they are wanted. */
export function captureRuleFor(options: CheckedOptions): ReturnType<typeof captureRule> {
  const rule = captureRule(options);
  if (options.sbom === undefined) return rule;
  return (path, size) => rule(path, size) ?? (isPackageDatabase(path, size) ? "disk" : undefined);
}

/** The list of the image's packages in the wanted format. */
export async function sbomOf(input: ArtifactsInput): Promise<string> {
  const { source, image, root, options } = input;
  const tree = new ImageTree(root.merged.root);
  const list = await readPackages(tree, (inode) => root.merged.read(inode));
  for (const problem of list.problems) {
    const text = `The list of packages is not complete: ${problem}.`;
    options.emit({ type: "message", level: "warning", text });
  }
  if (list.databases.length === 0 && list.problems.length === 0) {
    const text = "The image has no database of packages (dpkg, rpm, apk): the list is empty.";
    options.emit({ type: "message", level: "warning", text });
  }
  const subject = {
    name: root.name,
    reference: source.reference,
    digest: image.digest,
    created: image.config.created ?? undefined,
    program: { name: "kairos-netboot", version: programVersion() },
  };
  return options.sbom === "cyclonedx" ? cycloneDx(list, subject) : spdx(list, subject);
}
