import type { ByteSource } from "../../compression/index.js";
import type { Descriptor } from "../../oci-client/index.js";

/** The bytes of one descriptor. `complete` resolves only once their digest was checked. */
export interface Blob extends ByteSource {
  readonly descriptor: Descriptor;
}
