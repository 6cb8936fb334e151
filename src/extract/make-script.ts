import { artifactNames, formatReleaseScript } from "../artifacts/index.js";
import { sanitize } from "../support/index.js";
import type { ArtifactInput } from "./artifact-input.js";
import { commandLineOf } from "./describe-release.js";

/** The iPXE script of the release. */
export function makeScript({ source, image, root, options }: ArtifactInput): string {
  const { url, cmdline, cloudConfig } = options;
  return formatReleaseScript({
    name: root.name,
    source: `${sanitize(source.reference)}, ${image.digest}`,
    architecture: image.platform.architecture,
    commandLine: commandLineOf(root, options),
    url,
    words: cmdline,
    cloudConfig: cloudConfig === undefined ? undefined : artifactNames(root.name).cloudConfig,
  });
}
