import { z } from "zod";
import type { Credential } from "./credential.js";
import { OciClientError } from "./error.js";
import { printable } from "./printable.js";

const TIMEOUT = 30_000;
const MAX_ANSWER = 1024 * 1024;
/** What a helper prints, and exits 1, when it holds nothing for a server. */
const NOT_FOUND = "credentials not found";

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/**
 * Asks `docker-credential-NAME get` for a registry's credential (docker-credential-helpers,
 * "Development": the server's URL on standard input, JSON on standard output). A helper that is
 * missing, fails or holds nothing is no reason to stop, since the image may be public: a warning
 * says so. Nothing a helper prints is ever shown, as it may be a secret.
 *
 * @throws OciClientError CREDENTIALS_INVALID if NAME cannot be a helper's
 */
export async function askHelper(
  name: string,
  registry: string,
  env: NodeJS.ProcessEnv,
  onWarning: (message: string) => void,
): Promise<Credential | undefined> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new OciClientError(
      "CREDENTIALS_INVALID",
      `"${printable(name)}" cannot be the name of a credential helper.`,
      { hint: "Correct credsStore or credHelpers in Docker's config.json." },
    );
  }
  const program = `docker-credential-${name}`;
  const { execa } = await import("execa");
  const result = await execa(program, ["get"], {
    input: serverUrl(registry),
    env,
    extendEnv: false,
    reject: false,
    timeout: TIMEOUT,
    maxBuffer: MAX_ANSWER,
  });
  const credential = result.failed ? undefined : parseAnswer(result.stdout);
  if (!credential) onWarning(`${program} ${describe(result)}; going on without credentials.`);
  return credential;

  function describe({ code, stdout, exitCode }: typeof result): string {
    if (code === "ENOENT") return "is not installed";
    if (String(stdout).includes(NOT_FOUND)) return `holds no credentials for ${registry}`;
    if (exitCode === 0) return `gave no usable credentials for ${registry}`;
    return `failed for ${registry}${exitCode === undefined ? "" : ` with exit status ${exitCode}`}`;
  }
}

/** The key under which Docker's login stores a registry. */
function serverUrl(registry: string): string {
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}

function parseAnswer(stdout: string): Credential | undefined {
  try {
    const { Username, Secret } = helperAnswer.parse(JSON.parse(stdout));
    if (!Username || !Secret) return undefined;
    return Username === "<token>"
      ? { identityToken: Secret }
      : { username: Username, password: Secret };
  } catch {
    return undefined;
  }
}
