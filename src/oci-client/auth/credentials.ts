import { join } from "node:path";
import { homeDirectory } from "../core/home-directory.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import { SingleFlight } from "../core/single-flight.js";
import { type AuthFile, decodeEntry, readAuthFile } from "./auth-file.js";
import type { Credential } from "./credential.js";
import { askHelper } from "./credential-helper.js";

export interface CredentialStore {
  /**
   * The credential for a repository, if there is one. The signal ends the waiting, and a helper
   * that is asked once nobody else waits for its answer.
   * @throws OciClientError CREDENTIALS_INVALID, or the signal's reason
   */
  lookup(
    registry: string,
    repository: string,
    signal?: AbortSignal,
  ): Promise<Credential | undefined>;
}

export interface CredentialSources {
  env?: NodeJS.ProcessEnv;
  home?: string;
  /** Looked into first; unlike the customary files, it has to exist. */
  authFile?: string;
  /** Told what is passed over: a file that cannot be read, a helper that does not help. */
  onWarning?: (message: string) => void;
}

/**
 * The credentials that Docker and podman would use on this machine. Files are read and helpers run
 * when something is first looked up, and no file that comes after one which has it. In each file a
 * helper comes before what the file itself holds, and the most specific key wins:
 * `host/namespace/repository`, `host/namespace`, `host`.
 */
export function loadCredentials({
  env = process.env,
  home = homeDirectory(env),
  authFile,
  onWarning = () => {},
}: CredentialSources = {}): CredentialStore {
  const found = new SingleFlight<Credential | undefined>();
  const files = [
    ...(authFile === undefined ? [] : [once(() => readExplicit(authFile))]),
    ...customaryPaths(env, home).map((path) => once(() => readCustomary(path, onWarning))),
  ];

  async function find(
    registry: string,
    repository: string,
    signal: AbortSignal,
  ): Promise<Credential | undefined> {
    for (const read of files) {
      const file = await read();
      if (file === undefined) continue;
      const helper = file.helpers.get(registry) ?? file.defaultHelper;
      const helped = helper && (await askHelper(helper, registry, { env, onWarning, signal }));
      const credential = helped || findEntry(file, registry, repository);
      if (credential) return credential;
    }
    return undefined;
  }

  return {
    lookup(registry, repository, signal) {
      const key = `${registry}/${repository}`;
      return found.get(key, (shared) => find(registry, repository, shared), signal);
    },
  };
}

function customaryPaths(env: NodeJS.ProcessEnv, home: string): string[] {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = env;
  return [
    ...(REGISTRY_AUTH_FILE ? [REGISTRY_AUTH_FILE] : []),
    join(DOCKER_CONFIG || join(home, ".docker"), "config.json"),
    // Where there is no session, podman takes the second one.
    XDG_RUNTIME_DIR
      ? join(XDG_RUNTIME_DIR, "containers", "auth.json")
      : `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
    join(XDG_CONFIG_HOME || join(home, ".config"), "containers", "auth.json"),
  ];
}

/** Does something when it is first wanted, and no second time. */
function once<Result>(action: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= action();
    return result;
  };
}

async function readExplicit(path: string): Promise<AuthFile> {
  try {
    return await readAuthFile(path);
  } catch (cause) {
    if (cause instanceof OciClientError) throw cause;
    const message = `The credentials file ${sanitize(path)} cannot be read (${systemCode(cause)}).`;
    throw new OciClientError("CREDENTIALS_INVALID", message, {
      hint: "Name a file that exists and that you may read.",
      cause,
    });
  }
}

async function readCustomary(
  path: string,
  onWarning: (message: string) => void,
): Promise<AuthFile | undefined> {
  try {
    return await readAuthFile(path);
  } catch (error) {
    if (error instanceof OciClientError) throw error;
    const code = systemCode(error);
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      onWarning(`The credentials file ${sanitize(path)} cannot be read (${code}).`);
    }
    return undefined;
  }
}

function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : sanitize(String(error));
}

function findEntry(file: AuthFile, registry: string, repository: string): Credential | undefined {
  const parts = [registry, ...repository.split("/")];
  for (let length = parts.length; length > 0; length--) {
    const key = parts.slice(0, length).join("/");
    const entry = file.entries.get(key);
    const credential = entry && decodeEntry(entry, key, file.path);
    if (credential) return credential;
  }
  return undefined;
}

/**
 * One credential for the repositories of one registry, which the user typed for this very pull; what
 * `others` hold is for all other registries.
 */
export function withCredential(
  registry: string,
  credential: Credential,
  others: CredentialStore,
): CredentialStore {
  return {
    async lookup(asked, repository, signal) {
      return asked === registry ? credential : others.lookup(asked, repository, signal);
    },
  };
}
