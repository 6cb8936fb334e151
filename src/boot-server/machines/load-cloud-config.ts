import { isAbsolute, join } from "node:path";
import { readCloudConfig } from "../../kairos/index.js";
import { NetbootError } from "../../support/index.js";
import type { BeforeRead } from "../files/file-snapshot.js";
import { unknownVariables } from "./cloud-config-template.js";
import { templateVariables } from "./machine-facts.js";
import type { CloudConfig } from "./rules.js";

/**
 * Loads a cloud-config.
 * @param source the path of a file, or a URL that machines fetch themselves
 * @param baseDirectory of relative paths
 * @throws NetbootError CLOUD_CONFIG_INVALID
 */
export async function loadCloudConfig(
  source: string,
  baseDirectory: string,
  beforeRead: BeforeRead,
): Promise<CloudConfig> {
  if (/^https?:\/\/\S+$/.test(source)) {
    requireKnownVariables(source, source);
    return { url: source };
  }
  const path = isAbsolute(source) ? source : join(baseDirectory, source);
  await beforeRead(path);
  const text = (await readCloudConfig(path)).toString("utf8");
  requireKnownVariables(text, path);
  return { text };
}

function requireKnownVariables(text: string, source: string): void {
  const [name] = unknownVariables(text);
  if (name === undefined) return;
  throw new NetbootError(
    "CLOUD_CONFIG_INVALID",
    `The cloud-config ${source} refers to \${machine.${name}}, which does not exist.`,
    `Use one of: ${templateVariables.map((variable) => `machine.${variable}`).join(", ")}.`,
  );
}
