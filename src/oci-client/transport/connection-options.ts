import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { homeDirectory } from "../core/home-directory.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import {
  type HostCertificates,
  type KeyPair,
  readAuthorities,
  readCertificates,
  readKeyPair,
} from "./certificate-files.js";
import { hostKey } from "./origin.js";
import { type ForwardProxy, proxyFor } from "./proxy.js";
import { trustedRoots } from "./trusted-roots.js";

/** How hosts are reached; what is left out is as other programs of this machine do it. */
export interface ConnectionOptions {
  env?: NodeJS.ProcessEnv;
  home?: string;
  /** A PEM file of authorities to trust besides, for every host. */
  caFile?: string;
  /** PEM files, and the one registry that is shown the certificate. */
  clientCertificate?: { certFile: string; keyFile: string; registry: string };
  /** `HOST[:PORT]` of those whose certificate is not checked, or that speak plain HTTP. */
  insecureHosts?: readonly string[];
}

/** What a connection to one host needs. */
export interface ConnectionSettings {
  /** For HTTPS only. */
  tls?: { secureContext: SecureContext; rejectUnauthorized: boolean };
  proxy?: ForwardProxy & { secureContext: SecureContext | undefined };
}

/** Knows of each host how it is reached. Files are read when a host is first asked that needs them. */
export class ConnectionConfig {
  readonly #options: ConnectionOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #insecure: ReadonlySet<string>;
  readonly #certificates = new Map<string, Promise<HostCertificates | undefined>>();
  #roots?: Promise<string[]>;
  #common?: Promise<SecureContext>;

  /** @throws OciClientError REGISTRY_CONFIG_INVALID for what names no host */
  constructor(options: ConnectionOptions = {}) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#insecure = new Set((options.insecureHosts ?? []).map(checkedHost));
  }

  /** Whether somebody said that this host may be spoken to without valid TLS. */
  isInsecure(url: URL): boolean {
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    return this.#insecure.has(url.host) || this.#insecure.has(`${url.hostname}:${port}`);
  }

  /** Whether TLS was set up for a host of this machine, which is spoken to without it otherwise. */
  async wantsTls(url: URL): Promise<boolean> {
    if (this.#options.caFile !== undefined || this.#isShownCertificate(url)) return true;
    return (await this.#certificatesOf(url)) !== undefined;
  }

  /** Whether a name's addresses are looked up by this machine, and not by a proxy. */
  isDirect(url: URL): boolean {
    return proxyFor(url, this.#env) === undefined;
  }

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  async connectionTo(url: URL): Promise<ConnectionSettings> {
    const proxy = proxyFor(url, this.#env);
    const isProxyTls = proxy?.url.protocol === "https:";
    const isTls = url.protocol === "https:";
    return {
      ...(isTls && {
        tls: {
          secureContext: await this.#contextFor(url),
          rejectUnauthorized: !this.isInsecure(url),
        },
      }),
      ...(proxy && {
        proxy: { ...proxy, secureContext: isProxyTls ? await this.#commonContext() : undefined },
      }),
    };
  }

  async #contextFor(url: URL): Promise<SecureContext> {
    const own = await this.#certificatesOf(url);
    const { certFile, keyFile } = this.#options.clientCertificate ?? {};
    const isShown = this.#isShownCertificate(url) && certFile !== undefined && keyFile;
    const keyPair = isShown ? await readKeyPair(certFile, keyFile) : own?.keyPair;
    if (keyPair === undefined && !own?.authorities.length) return this.#commonContext();
    return this.#newContext(own?.authorities ?? [], keyPair);
  }

  #commonContext(): Promise<SecureContext> {
    this.#common ??= this.#newContext([]);
    return this.#common;
  }

  async #newContext(authorities: string[], keyPair?: KeyPair): Promise<SecureContext> {
    const { caFile } = this.#options;
    this.#roots ??= trustedRoots(this.#env);
    const given = caFile === undefined ? [] : [await readAuthorities(caFile)];
    try {
      return createSecureContext({
        ca: [...(await this.#roots), ...given, ...authorities],
        ...keyPair,
      });
    } catch (cause) {
      // OpenSSL's words name the problem and quote nothing.
      const problem = sanitize(cause instanceof Error ? cause.message : String(cause));
      throw new OciClientError(
        "REGISTRY_CONFIG_INVALID",
        `The client certificate cannot be used (${problem}).`,
        { hint: "Check that the key belongs to the certificate.", cause },
      );
    }
  }

  #isShownCertificate(url: URL): boolean {
    const { clientCertificate } = this.#options;
    return clientCertificate !== undefined && hostKey(clientCertificate.registry) === url.host;
  }

  #certificatesOf(url: URL): Promise<HostCertificates | undefined> {
    const known = this.#certificates.get(url.host);
    if (known !== undefined) return known;
    const read = readCertificates(this.#directories(), namesOf(url));
    this.#certificates.set(url.host, read);
    return read;
  }

  #directories(): string[] {
    const home = this.#options.home ?? homeDirectory(this.#env);
    return [
      join(home, ".config/containers/certs.d"),
      "/etc/containers/certs.d",
      "/etc/docker/certs.d",
    ];
  }
}

/** How a directory for a host may be called. */
function namesOf({ host, hostname, port }: URL): string[] {
  const names = port === "" ? [host, `${hostname}:443`] : [host];
  return host === "registry-1.docker.io" ? [...names, "docker.io"] : names;
}

function checkedHost(host: string): string {
  const key = hostKey(host.toLowerCase());
  if (key !== undefined) return key;
  throw new OciClientError("REGISTRY_CONFIG_INVALID", `"${sanitize(host)}" names no host.`, {
    hint: "Write HOST or HOST:PORT, without a scheme and without a path.",
  });
}
