import {
  loadCredentials,
  type Reference,
  RegistryClient,
  type RetryPolicy,
  withCredential,
} from "../../oci-client/index.js";
import { loadRegistriesConf } from "./load-registries-conf.js";
import { MirrorSelection } from "./mirror-selection.js";
import { MirroredClient } from "./mirrored-client.js";
import { pullSources } from "./pull-sources.js";
import type { CheckedRegistryAccess } from "./registry-access.js";
import type { RegistryTimeouts } from "./registry-source-options.js";

export interface OpenRegistryOptions {
  readonly userAgent: string;
  readonly onWarning: (message: string) => void;
  readonly onDetail: (message: string) => void;
  readonly onNotice: (message: string) => void;
  readonly retry: Partial<RetryPolicy> | undefined;
  readonly timeouts: RegistryTimeouts | undefined;
}

/**
 * Makes a client for one image that knows its mirrors and the credentials of each of them.
 *
 * @throws NetbootError REGISTRY_BLOCKED, REGISTRY_CONFIG_INVALID
 */
export async function openRegistry(
  reference: Reference,
  access: CheckedRegistryAccess,
  { userAgent, onWarning, onDetail, onNotice, retry, timeouts }: OpenRegistryOptions,
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
  return new MirroredClient(client, new MirrorSelection(sources, distrusted, onDetail), retry);
}
