import {
  type ConnectionOptions,
  type Credential,
  hostKey,
  loadCredentials,
  type Reference,
  RegistryClient,
  type RetryPolicy,
  registerSecret,
  withCredential,
} from "../../oci-client/index.js";
import { usageError } from "../../support/index.js";
import type { SourceOptions } from "../image-source/image-source.js";
import { loadRegistriesConf } from "./load-registries-conf.js";
import { MirroredClient } from "./mirrored-client.js";
import { type MirrorOption, pullSources } from "./pull-sources.js";

/** How registries are reached and signed in to, beside what this machine says about them. */
export interface RegistryAccess {
  /** A file as Docker's config.json or podman's auth.json, looked into first. */
  authFile?: string | undefined;
  /** For the image's own registry, and no other; with `password`. */
  username?: string | undefined;
  password?: string | undefined;
  /** A PEM file of authorities to trust besides. */
  tlsCa?: string | undefined;
  /** PEM files of a client certificate, shown to the image's own registry only; both or none. */
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
  /** `HOST[:PORT]` of those that may be spoken to without valid TLS. */
  insecure?: readonly string[] | undefined;
  /** `HOST[/NAMESPACE]=MIRROR[/NAMESPACE]`, in the order of trying. */
  mirrors?: readonly string[] | undefined;
}

/** Options that were checked. */
export interface CheckedRegistryAccess {
  readonly authFile: string | undefined;
  readonly credential: Credential | undefined;
  readonly network: Pick<ConnectionOptions, "caFile" | "insecureHosts">;
  readonly clientCertificate: { certFile: string; keyFile: string } | undefined;
  readonly mirrors: readonly MirrorOption[];
  /** Mirrors that have sent wrong bytes; see MirroredClient. */
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
        `--insecure ${host} names no host.`,
        "Write HOST or HOST:PORT, and no scheme.",
      );
    }
  }
  return {
    authFile,
    credential: checkedCredential(access),
    network: { ...(tlsCa !== undefined && { caFile: tlsCa }), insecureHosts: insecure },
    clientCertificate: tlsCert && tlsKey ? { certFile: tlsCert, keyFile: tlsKey } : undefined,
    mirrors: mirrors.map(checkedMirror),
    distrusted: new Set(),
  };
}

function checkedCredential({ username, password }: RegistryAccess): Credential | undefined {
  if (username === undefined && password === undefined) return undefined;
  if (!username) {
    throw usageError("A password needs a user name.", "Add --username NAME.");
  }
  if (password === undefined) {
    throw usageError(
      "--username needs a password.",
      "Hand it over on standard input: --password-stdin < FILE.",
    );
  }
  // RFC 7617: the name ends at the first colon.
  if (/[:\x00-\x1f\x7f]/.test(username)) {
    throw usageError(
      "--username holds a character that no user name can have.",
      "Leave out the colon.",
    );
  }
  if (password === "")
    throw usageError("The password is empty.", "Check what standard input holds.");
  if (/[\x00-\x1f\x7f]/.test(password)) {
    const hint = "Standard input is to hold the password alone, in one line.";
    throw usageError("The password holds a control character.", hint);
  }
  registerSecret(password);
  return { username, password };
}

function checkedMirror(text: string): MirrorOption {
  const at = text.indexOf("=");
  const [prefix, location] = [text.slice(0, at), text.slice(at + 1)].map((part) =>
    part.replace(/\/+$/, ""),
  ) as [string, string];
  const hosts = [prefix.replace(/^\*\./, ""), location].map((part) => part.split("/", 1)[0]!);
  const isWrong =
    at < 0 || text.includes("://") || hosts.some((host) => hostKey(host) === undefined);
  if (isWrong) {
    throw usageError(
      `--mirror ${text} is not HOST=MIRROR.`,
      "As in --mirror quay.io=mirror.lan:5000.",
    );
  }
  return { prefix: prefix.toLowerCase(), location };
}

export interface OpenOptions {
  userAgent: string;
  onWarning: ((message: string) => void) | undefined;
  onDetail: ((message: string) => void) | undefined;
  onNotice: (message: string) => void;
  retry: Partial<RetryPolicy> | undefined;
  timeouts: SourceOptions["timeouts"];
}

/**
 * A client for one image, which knows the mirrors and the credentials of each of them.
 *
 * @throws NetbootError REGISTRY_BLOCKED, REGISTRY_CONFIG_INVALID
 */
export async function openRegistry(
  reference: Reference,
  access: CheckedRegistryAccess,
  { userAgent, onWarning = () => {}, onDetail = () => {}, onNotice, retry, timeouts }: OpenOptions,
): Promise<MirroredClient> {
  const rules = await loadRegistriesConf({ onWarning });
  const sources = pullSources(reference, rules, access.mirrors);
  const insecure = sources.filter((each) => each.insecure).map((each) => each.reference.registry);
  const { clientCertificate, credential, distrusted, network, authFile } = access;
  const stored = loadCredentials({ onWarning, ...(authFile !== undefined && { authFile }) });
  const client = new RegistryClient({
    credentials:
      credential === undefined ? stored : withCredential(reference.registry, credential, stored),
    network: {
      ...network,
      insecureHosts: [...(network.insecureHosts ?? []), ...insecure],
      ...(clientCertificate && {
        clientCertificate: { ...clientCertificate, registry: reference.registry },
      }),
    },
    userAgent,
    onWarning,
    onNotice,
    ...(timeouts !== undefined && { timeouts }),
  });
  return new MirroredClient({ client, sources, distrusted, retry, onDetail });
}
