import { homedir } from "node:os";
import { join } from "node:path";
import type { ImageSource, SourceOptions } from "./image-source.js";
import { OciLayoutSource } from "./oci-layout-source.js";
import { RegistrySource } from "./registry-source.js";
import { translateError } from "./translate-error.js";

/**
 * The source that a reference names: `oci:DIR[:TAG]` a directory, anything else a registry.
 * `docker://` before a registry's reference is understood, as skopeo's users write it.
 * @throws NetbootError REFERENCE_INVALID
 */
export function openSource(reference: string, options: SourceOptions): ImageSource {
  if (reference.startsWith("oci:")) {
    return new OciLayoutSource(reference.slice("oci:".length), options);
  }
  try {
    return new RegistrySource(reference.replace(/^docker:\/\//, ""), options);
  } catch (error) {
    throw translateError(error);
  }
}

/** `kairos-netboot` in the user's cache directory (XDG Base Directory Specification). */
export function defaultCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kairos-netboot");
}
