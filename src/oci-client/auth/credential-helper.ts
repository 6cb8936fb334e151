import * as z from "zod";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { Credential } from "./credential.js";

const helperTimeoutMs = 30_000;
const maxAnswerBytes = 1024 * 1024;
/** A helper without a credential for the server prints this and exits with status 1. */
const notFoundMessage = "credentials not found";

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

export interface HelperOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The file that configures the helper. */
  readonly path: string;
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `docker-credential-NAME get` for a registry (docker-credential-helpers, "Development": the
 * server's URL on standard input, JSON on standard output). A helper that is missing, fails, or has no
 * credential only causes a warning, because the image may be public. The helper's output may be a
 * secret and is never shown.
 * @returns undefined if the helper returned no credential
 * @throws OciClientError CREDENTIALS_INVALID if NAME is not a valid name, or the signal's reason
 */
export async function askHelper(
  name: string,
  registry: string,
  { env, path, onWarning, signal }: HelperOptions,
): Promise<Credential | undefined> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new OciClientError(
      "CREDENTIALS_INVALID",
      `"${sanitize(name)}" is not a valid name for a credential helper.`,
      { hint: `Correct credsStore or credHelpers in ${sanitize(path)}.` },
    );
  }
  const program = `docker-credential-${name}`;
  const outcome = await run(program, serverUrl(registry), env, signal);
  const credential =
    "problem" in outcome || outcome.exitCode !== 0 ? undefined : parseAnswer(outcome.stdout);
  if (credential) return { ...credential, origin: { kind: "helper", program, path } };
  onWarning(`${program} ${describeFailure(outcome, registry)}; continuing without credentials.`);
  return undefined;
}

type Outcome =
  | { readonly stdout: string; readonly exitCode: number | undefined }
  | { readonly problem: string };

function describeFailure(outcome: Outcome, registry: string): string {
  if ("problem" in outcome) return outcome.problem;
  if (outcome.stdout.includes(notFoundMessage)) return `has no credentials for ${registry}`;
  if (outcome.exitCode === 0) return `returned no usable credentials for ${registry}`;
  const status = outcome.exitCode === undefined ? "" : ` with exit status ${outcome.exitCode}`;
  return `failed for ${registry}${status}`;
}

/** Does not wait for the output to close: a process that the helper started may keep it open. */
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
  const timeout = AbortSignal.timeout(helperTimeoutMs);
  const end = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const result = await Promise.race([child, aborted(end)]);
  if (result !== undefined) {
    const { code, stdout, exitCode } = result;
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

/** The key under which `docker login` stores a registry's credential. */
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
