import { sanitize } from "../core/sanitize.js";

/** The place that a credential comes from. */
export type CredentialOrigin =
  /** The caller; `source` names what the user gave it with, such as `--password-stdin`. */
  | { readonly kind: "caller"; readonly source: string }
  /** Docker's config.json, which `docker login` writes. */
  | { readonly kind: "docker-config"; readonly path: string }
  /** Another file of that format, which `podman login` and `skopeo login` write. */
  | { readonly kind: "auth-file"; readonly path: string }
  /** A credential helper, which a file configures. */
  | { readonly kind: "helper"; readonly program: string; readonly path: string };

/** A hint for a registry that refused a credential: where to correct it. */
export function refusedCredentialHint(
  origin: CredentialOrigin | undefined,
  { registry, repository }: { readonly registry: string; readonly repository: string },
): string {
  const account = `use an account that may read ${repository}`;
  switch (origin?.kind) {
    case "caller":
      return `Check the credentials given with ${origin.source}, or ${account}.`;
    case "docker-config":
      return `Log in again, or ${account}: docker login ${registry} updates ${sanitize(origin.path)}.`;
    case "auth-file": {
      const path = sanitize(origin.path);
      return `Log in again, or ${account}: podman login --authfile ${path} ${registry} updates ${path}.`;
    }
    case "helper":
      return `Log in again, or ${account}: the credentials come from ${sanitize(origin.program)}, which ${sanitize(origin.path)} names.`;
    default:
      return `Check the credentials for ${registry}, or ${account}.`;
  }
}
