import { homedir } from "node:os";
import { join } from "node:path";
import { parseReference } from "../oci-client/index.js";
import { NetbootError } from "../support/index.js";
import type { ImageSource, SourceOptions } from "./image-source.js";
import { OciLayoutSource } from "./oci-layout-source.js";
import { RegistrySource } from "./registry-source.js";
import { translateError } from "./translate-error.js";

/**
 * The source that a reference names: `oci:DIR[:TAG]` a directory, anything else a registry.
 * @throws NetbootError REFERENCE_INVALID
 */
export function openSource(reference: string, options: SourceOptions): ImageSource {
  if (reference.startsWith("oci:")) {
    return new OciLayoutSource(reference.slice("oci:".length), options);
  }
  checkReference(reference);
  return new RegistrySource(registryReference(reference), options);
}

/** What skopeo's users may write, which would be taken for a registry's reference otherwise. */
const unsupported = /^(oci-archive|docker-archive|docker-daemon|containers-storage|dir):/;

/** @throws NetbootError REFERENCE_INVALID where `openSource` would */
export function checkReference(reference: string): void {
  if (reference.startsWith("oci:")) return;
  const transport = unsupported.exec(reference)?.[1];
  if (transport !== undefined) {
    throw new NetbootError(
      "REFERENCE_INVALID",
      `Images cannot be read from ${transport}: yet.`,
      `Copy the image first: skopeo copy ${reference} oci:DIR:TAG`,
    );
  }
  try {
    parseReference(registryReference(reference));
  } catch (error) {
    throw translateError(error);
  }
}

/** `docker://` is how skopeo's users begin it. */
function registryReference(reference: string): string {
  return reference.replace(/^docker:\/\//, "");
}

/** `kairos-netboot` in the user's cache directory (XDG Base Directory Specification). */
export function defaultCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kairos-netboot");
}
