import { isAbsolute, join } from "node:path";
import { homeDirectory } from "../../oci-client/index.js";

/** `kairos-netboot` in the user's cache directory (XDG Base Directory Specification). */
export function defaultCacheDirectory(): string {
  const configured = process.env.XDG_CACHE_HOME;
  // The specification says to ignore a relative path.
  const base = configured && isAbsolute(configured) ? configured : join(homeDirectory(), ".cache");
  return join(base, "kairos-netboot");
}
