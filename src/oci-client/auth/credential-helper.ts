import { z } from "zod";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { Credential } from "./credential.js";

const helperTimeoutMs = 30_000;
const maxAnswerBytes = 1024 * 1024;
/** What a helper prints, and exits 1, when it holds nothing for a server. */
const notFoundMessage = "credentials not found";

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/**
 * Asks `docker-credential-NAME get` for a registry's credential (docker-credential-helpers,
 * "Development": the server's URL on standard input, JSON on standard output). A helper that is
 * missing, fails or holds nothing is no reason to stop, since the image may be public: a warning
 * says so. Nothing a helper prints is ever shown, as it may be a secret.
 * @throws OciClientError CREDENTIALS_INVALID if NAME cannot be a helper's, or the signal's reason
 */
export async function askHelper(
  name: string,
  registry: string,
  { env, onWarning, signal }: HelperOptions,
): Promise<Credential | undefined> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new OciClientError(
      "CREDENTIALS_INVALID",
      `"${sanitize(name)}" cannot be the name of a credential helper.`,
      { hint: "Correct credsStore or credHelpers in Docker's config.json." },
    );
  }
  const program = `docker-credential-${name}`;
  const result = await run(program, serverUrl(registry), env, signal);
  const credential =
    "problem" in result || result.exitCode !== 0 ? undefined : parseAnswer(result.stdout);
  if (!credential) onWarning(`${program} ${describe(result)}; going on without credentials.`);
  return credential;

  function describe(outcome: Outcome): string {
    if ("problem" in outcome) return outcome.problem;
    if (outcome.stdout.includes(notFoundMessage)) return `holds no credentials for ${registry}`;
    if (outcome.exitCode === 0) return `gave no usable credentials for ${registry}`;
    const status = outcome.exitCode === undefined ? "" : ` with exit status ${outcome.exitCode}`;
    return `failed for ${registry}${status}`;
  }
}

export interface HelperOptions {
  env: NodeJS.ProcessEnv;
  onWarning: (message: string) => void;
  signal?: AbortSignal | undefined;
}

type Outcome = { stdout: string; exitCode: number | undefined } | { problem: string };

/** Waits no longer than it has to: what the helper itself started may hold its output open. */
async function run(
  program: string,
  input: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const { execa } = await import("execa");
  const child = execa(program, ["get"], {
    input,
    env,
    extendEnv: false,
    reject: false,
    maxBuffer: maxAnswerBytes,
  });
  const limit = AbortSignal.timeout(helperTimeoutMs);
  const end = signal ? AbortSignal.any([signal, limit]) : limit;
  const outcome = await Promise.race([child, aborted(end)]);
  if (outcome !== undefined) {
    const { code, stdout, exitCode } = outcome;
    return code === "ENOENT"
      ? { problem: "is not installed" }
      : { stdout: String(stdout), exitCode };
  }
  child.kill("SIGKILL");
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  signal?.throwIfAborted();
  return { problem: `did not answer within ${helperTimeoutMs / 1000} seconds` };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
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
