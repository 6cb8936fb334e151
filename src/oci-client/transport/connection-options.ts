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

/** How to connect to hosts. By default, as other programs on this machine do. */
export interface ConnectionOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
  /** A PEM file with additional certificate authorities to trust for every host. */
  readonly caFile?: string;
  /** PEM files, and the only registry that receives the certificate. */
  readonly clientCertificate?: {
    readonly certFile: string;
    readonly keyFile: string;
    readonly registry: string;
  };
  /** Hosts, as `HOST[:PORT]`, that may use plain HTTP or a certificate that is not trusted. */
  readonly insecureHosts?: readonly string[];
}

/** The settings of connections to one host. */
export interface ConnectionSettings {
  /** For HTTPS only. */
  readonly tls?: { readonly secureContext: SecureContext; readonly rejectUnauthorized: boolean };
  readonly proxy?: ForwardProxy & { readonly secureContext: SecureContext | undefined };
}

/** Derives the settings for each host. Reads a file when a connection first needs it. */
export class ConnectionConfig {
  readonly #options: ConnectionOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #insecure: ReadonlySet<string>;
  readonly #certificates = new Map<string, Promise<HostCertificates | undefined>>();
  #roots?: Promise<string[]>;
  #common?: Promise<SecureContext>;

  /** @throws OciClientError REGISTRY_CONFIG_INVALID for an invalid host */
  constructor(options: ConnectionOptions = {}) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#insecure = new Set((options.insecureHosts ?? []).map(checkedHost));
  }

  /** Whether the user allowed connections to this host without valid TLS. */
  isInsecure(url: URL): boolean {
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    return this.#insecure.has(url.host) || this.#insecure.has(`${url.hostname}:${port}`);
  }

  /** Whether TLS is configured for a host on this machine, which uses plain HTTP by default. */
  async wantsTls(url: URL): Promise<boolean> {
    if (this.#options.caFile !== undefined || this.#isCertificateFor(url)) return true;
    return (await this.#certificatesOf(url)) !== undefined;
  }

  /** Whether this machine resolves the host name, and not a proxy. */
  isDirect(url: URL): boolean {
    return proxyFor(url, this.#env) === undefined;
  }

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  async settingsFor(url: URL): Promise<ConnectionSettings> {
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
    const isRecipient = this.#isCertificateFor(url) && certFile !== undefined && keyFile;
    const keyPair = isRecipient ? await readKeyPair(certFile, keyFile) : own?.keyPair;
    if (keyPair === undefined && !own?.authorities.length) return this.#commonContext();
    return this.#newContext(own?.authorities ?? [], keyPair);
  }

  #commonContext(): Promise<SecureContext> {
    this.#common ??= this.#newContext([]);
    return this.#common;
  }

  async #newContext(authorities: readonly string[], keyPair?: KeyPair): Promise<SecureContext> {
    const { caFile } = this.#options;
    this.#roots ??= trustedRoots(this.#env);
    const given = caFile === undefined ? [] : [await readAuthorities(caFile)];
    try {
      return createSecureContext({
        ca: [...(await this.#roots), ...given, ...authorities],
        ...keyPair,
      });
    } catch (cause) {
      // OpenSSL's message names the problem and does not quote the files.
      const problem = sanitize(cause instanceof Error ? cause.message : String(cause));
      throw new OciClientError(
        "REGISTRY_CONFIG_INVALID",
        `The client certificate cannot be used (${problem}).`,
        { hint: "Check that the key belongs to the certificate.", cause },
      );
    }
  }

  #isCertificateFor(url: URL): boolean {
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

/** The names that the directory for a host may have. */
function namesOf({ host, hostname, port }: URL): string[] {
  const names = port === "" ? [host, `${hostname}:443`] : [host];
  return host === "registry-1.docker.io" ? [...names, "docker.io"] : names;
}

function checkedHost(host: string): string {
  const key = hostKey(host.toLowerCase());
  if (key !== undefined) return key;
  throw new OciClientError("REGISTRY_CONFIG_INVALID", `"${sanitize(host)}" is not a valid host.`, {
    hint: "Write HOST or HOST:PORT, without a scheme or a path.",
  });
}
