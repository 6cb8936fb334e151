import { formatReference, parseReference } from "../../oci-client/index.js";

/** An image name in its complete spelling; undefined if it is not valid. */
export function completeName(name: string): string | undefined {
  try {
    return formatReference(parseReference(name));
  } catch {
    return undefined;
  }
}
