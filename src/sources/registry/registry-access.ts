import {
  type ConnectionOptions,
  type Credential,
  hostKey,
  registerSecret,
} from "../../oci-client/index.js";
import { usageError } from "../../support/index.js";
import type { MirrorOption } from "./pull-sources.js";

/** How to reach registries and sign in, in addition to this machine's configuration. */
export interface RegistryAccess {
  /** A file like Docker's config.json or podman's auth.json, which takes precedence over them. */
  authFile?: string | undefined;
  /** Sent to the image's own registry and to no other; needs `password`. */
  username?: string | undefined;
  password?: string | undefined;
  /** A PEM file with additional certificate authorities. */
  tlsCa?: string | undefined;
  /** PEM files of a client certificate, sent to the image's own registry only; both or neither. */
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
  /** `HOST[:PORT]` of registries for which plain HTTP or invalid TLS is allowed. */
  insecure?: readonly string[] | undefined;
  /** `HOST[/NAMESPACE]=MIRROR[/NAMESPACE]`, in the order in which to try them. */
  mirrors?: readonly string[] | undefined;
}

/** The validated form of RegistryAccess. */
export interface CheckedRegistryAccess {
  readonly authFile: string | undefined;
  readonly credential: Credential | undefined;
  readonly network: Pick<ConnectionOptions, "caFile" | "insecureHosts">;
  readonly clientCertificate: { certFile: string; keyFile: string } | undefined;
  readonly mirrors: readonly MirrorOption[];
  /** Names of mirrors that sent wrong bytes. It grows, and all attempts of one job share it. */
  readonly distrusted: Set<string>;
}

/** @throws NetbootError USAGE_INVALID */
export function checkRegistryAccess(access: RegistryAccess = {}): CheckedRegistryAccess {
  const { authFile, tlsCa, tlsCert, tlsKey, insecure = [], mirrors = [] } = access;
  for (const [name, path] of Object.entries({ authfile: authFile, "tls-ca": tlsCa })) {
    if (path === "") throw usageError(`--${name} is empty.`, "Name a file.");
  }
  if (!tlsCert !== !tlsKey) {
    const [given, missing] = tlsCert ? ["--tls-cert", "--tls-key"] : ["--tls-key", "--tls-cert"];
    throw usageError(
      `${given} needs ${missing}.`,
      "Name both files: --tls-cert FILE --tls-key FILE.",
    );
  }
  for (const host of insecure) {
    if (hostKey(host.toLowerCase()) === undefined) {
      throw usageError(
        `--insecure ${host} is not a host.`,
        "Write HOST or HOST:PORT, without a scheme.",
      );
    }
  }
  return {
    authFile,
    credential: checkCredential(access),
    network: { ...(tlsCa !== undefined && { caFile: tlsCa }), insecureHosts: insecure },
    clientCertificate: tlsCert && tlsKey ? { certFile: tlsCert, keyFile: tlsKey } : undefined,
    mirrors: mirrors.map(parseMirrorOption),
    distrusted: new Set(),
  };
}

function checkCredential({ username, password }: RegistryAccess): Credential | undefined {
  if (username === undefined && password === undefined) return undefined;
  if (!username) {
    throw usageError("A password needs a user name.", "Add --username NAME.");
  }
  if (password === undefined) {
    throw usageError(
      "--username needs a password.",
      "Provide it on standard input: --password-stdin < FILE.",
    );
  }
  // RFC 7617: the user name ends at the first colon.
  if (/[:\x00-\x1f\x7f]/.test(username)) {
    throw usageError(
      "--username contains a character that a user name cannot contain.",
      "Remove the colon or the control character.",
    );
  }
  if (password === "") {
    throw usageError("The password is empty.", "Check what standard input contains.");
  }
  if (/[\x00-\x1f\x7f]/.test(password)) {
    const hint = "Standard input has to contain only the password, on one line.";
    throw usageError("The password contains a control character.", hint);
  }
  registerSecret(password);
  const source = "--username and --password-stdin";
  return { username, password, origin: { kind: "caller", source } };
}

function parseMirrorOption(text: string): MirrorOption {
  const at = text.indexOf("=");
  const prefix = withoutTrailingSlashes(text.slice(0, Math.max(at, 0)));
  const location = withoutTrailingSlashes(text.slice(at + 1));
  const hosts = [prefix.replace(/^\*\./, ""), location].map((part) => part.split("/", 1)[0] ?? "");
  const isInvalid =
    at < 0 || text.includes("://") || hosts.some((host) => hostKey(host) === undefined);
  if (isInvalid) {
    throw usageError(
      `--mirror ${text} is not HOST=MIRROR.`,
      "Write, for example, --mirror quay.io=mirror.lan:5000.",
    );
  }
  return { prefix: prefix.toLowerCase(), location };
}

function withoutTrailingSlashes(text: string): string {
  return text.replace(/\/+$/, "");
}
