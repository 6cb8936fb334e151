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
   * Looks up the credential for a repository. The signal ends the wait, and aborts a credential helper
   * once no other caller waits for its answer.
   * @throws OciClientError CREDENTIALS_INVALID, or the signal's reason
   */
  lookup(
    registry: string,
    repository: string,
    signal?: AbortSignal,
  ): Promise<Credential | undefined>;
}

export interface CredentialSources {
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
  /** Searched first. Unlike the default files, it must exist. */
  readonly authFile?: string;
  /** Called for a default file that cannot be read and a helper that returns no credential. */
  readonly onWarning?: (message: string) => void;
}

interface AuthFileSource {
  readonly path: string;
  readonly originKind: "docker-config" | "auth-file";
  read(): Promise<AuthFile | undefined>;
}

/**
 * Finds the credentials that Docker and podman use on this machine. Files are read and helpers run at
 * the first lookup that needs them: the search ends at the first file that has the credential. In each
 * file a helper takes precedence over the file's own entries, and the most specific key wins:
 * `host/namespace/repository`, `host/namespace`, `host`.
 */
export function loadCredentials({
  env = process.env,
  home = homeDirectory(env),
  authFile,
  onWarning = () => {},
}: CredentialSources = {}): CredentialStore {
  const found = new SingleFlight<Credential | undefined>();
  const files = authFileSources(env, home, authFile, onWarning);

  async function find(
    registry: string,
    repository: string,
    signal: AbortSignal,
  ): Promise<Credential | undefined> {
    for (const { path, originKind, read } of files) {
      const file = await read();
      if (file === undefined) continue;
      const helper = file.helpers.get(registry) ?? file.defaultHelper;
      const helped =
        helper && (await askHelper(helper, registry, { env, path, onWarning, signal }));
      if (helped) return helped;
      const credential = findEntry(file, registry, repository);
      if (credential) return { ...credential, origin: { kind: originKind, path } };
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

/** The files in the order in which they are searched. */
function authFileSources(
  env: NodeJS.ProcessEnv,
  home: string,
  authFile: string | undefined,
  onWarning: (message: string) => void,
): AuthFileSource[] {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = env;
  const optional = (
    path: string,
    originKind: AuthFileSource["originKind"] = "auth-file",
  ): AuthFileSource => ({ path, originKind, read: once(() => readOptional(path, onWarning)) });
  return [
    ...(authFile === undefined
      ? []
      : [
          {
            path: authFile,
            originKind: "auth-file" as const,
            read: once(() => readRequired(authFile)),
          },
        ]),
    ...(REGISTRY_AUTH_FILE ? [optional(REGISTRY_AUTH_FILE)] : []),
    optional(join(DOCKER_CONFIG || join(home, ".docker"), "config.json"), "docker-config"),
    // Podman uses the second path outside a login session.
    optional(
      XDG_RUNTIME_DIR
        ? join(XDG_RUNTIME_DIR, "containers", "auth.json")
        : `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
    ),
    optional(join(XDG_CONFIG_HOME || join(home, ".config"), "containers", "auth.json")),
  ];
}

/** Makes an action run at the first call only. */
function once<Result>(action: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= action();
    return result;
  };
}

async function readRequired(path: string): Promise<AuthFile> {
  try {
    return await readAuthFile(path);
  } catch (cause) {
    if (cause instanceof OciClientError) throw cause;
    const message = `The credentials file ${sanitize(path)} cannot be read (${systemCode(cause)}).`;
    throw new OciClientError("CREDENTIALS_INVALID", message, {
      hint: "Give a file that exists and that you may read.",
      cause,
    });
  }
}

async function readOptional(
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
 * Uses one credential, which the user gave for this pull, for all repositories of one registry, and
 * `others` for all other registries.
 */
export function withCredential(
  registry: string,
  credential: Credential,
  others: CredentialStore,
): CredentialStore {
  return {
    async lookup(requested, repository, signal) {
      return requested === registry ? credential : others.lookup(requested, repository, signal);
    },
  };
}
