import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type TrustedRootFile, trustedRootInvalid } from "./trusted-root-file.js";

/**
 * Parses a trusted root (sigstore, protobuf-specs, sigstore_trustroot.proto): the authorities and logs
 * to trust, with their certificates and keys.
 * @throws NetbootError TRUSTED_ROOT_INVALID
 */
export function parseTrustedRoot(file: TrustedRootFile): TrustedRoot {
  const root = parse(file);
  if (!/^application\/vnd\.dev\.sigstore\.trustedroot[.+]/.test(root.mediaType)) {
    throw trustedRootInvalid(file.path, "is JSON, but not a trusted root of sigstore");
  }
  if (root.certificateAuthorities.length === 0) {
    throw trustedRootInvalid(file.path, "names no certificate authority");
  }
  return root;
}

function parse({ path, text }: TrustedRootFile): TrustedRoot {
  try {
    return TrustedRoot.fromJSON(JSON.parse(text));
  } catch (cause) {
    throw trustedRootInvalid(path, "is not a trusted root in JSON", cause);
  }
}
