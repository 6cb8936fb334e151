import { z } from "zod";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { HttpResponse } from "./http-exchange.js";
import { readBody } from "./read-body.js";
import { parseRetryAfter } from "./retry-after.js";

/** What was asked for, as the messages need it. */
export interface Asked {
  kind: "manifest" | "blob" | "referrer" | "token";
  registry: string;
  repository: string;
  /** The tag or digest asked for; empty for a token. */
  target: string;
  /** Whether the request was made in somebody's name. */
  withCredentials: boolean;
  /** Whether the registry itself answered, or its token server, not where it redirected to. */
  answeredByRegistry: boolean;
}

/** What an error's body says (OCI distribution spec, "Error Codes"). */
interface Problem {
  codes: string[];
  message: string;
  /** Whether nginx says so, which tells only after the handshake. */
  wantsCertificate?: boolean;
}

const errorBody = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().nullish() })),
});

const maxBodyBytes = 64 * 1024;
const busyStatuses = [408, 425, 429];
/** What object stores say when a signed address has run out. */
const expiredStatuses = [400, 401, 403];

/** Turns an answer that is not the one wanted into an error, having read what it says. */
export async function responseError(response: HttpResponse, asked: Asked): Promise<OciClientError> {
  const { status } = response;
  const problem = await readProblem(response);
  if (problem.wantsCertificate) return certificateMissing(status, response.url);
  if ((status === 401 || status === 403) && asked.answeredByRegistry) return denied(status, asked);
  if (status === 404 && asked.kind === "manifest") return imageNotFound(asked, problem);
  if (status === 404 && asked.kind === "blob") return blobNotFound(asked);
  return unexpected(response, asked, problem);
}

function denied(status: number, { registry, repository, withCredentials }: Asked): OciClientError {
  const message = withCredentials
    ? `${registry} refused the credentials for ${repository}.`
    : `${registry} lets nobody read ${repository} without credentials, or has no such repository.`;
  const hint = withCredentials
    ? `Log in again with an account that may read it: docker login ${registry}.`
    : `Check the name, or log in: docker login ${registry}.`;
  return new OciClientError("REGISTRY_DENIED", message, { hint, status });
}

function imageNotFound(
  { registry, repository, target }: Asked,
  { codes }: Problem,
): OciClientError {
  const [message, hint] = codes.includes("NAME_UNKNOWN")
    ? [`There is no repository ${repository} on ${registry}.`, "Check the repository's name."]
    : target.includes(":")
      ? [`There is no manifest ${target} in ${registry}/${repository}.`, "Check the digest."]
      : [`There is no tag ${sanitize(target)} in ${registry}/${repository}.`, "Check the tag."];
  return new OciClientError("IMAGE_NOT_FOUND", message, { hint, status: 404 });
}

function blobNotFound({ registry, repository, target }: Asked): OciClientError {
  const message = `There is no blob ${target} in ${registry}/${repository}.`;
  return new OciClientError("BLOB_NOT_FOUND", message, {
    hint: "The image is incomplete in its registry: push it again.",
    status: 404,
  });
}

function certificateMissing(status: number, { host }: URL): OciClientError {
  const message = `${sanitize(host)} wants a client certificate, or another one than it was shown.`;
  const hint = "Name one with --tls-cert FILE and --tls-key FILE.";
  return new OciClientError("REGISTRY_DENIED", message, { hint, status });
}

/** The page of nginx' codes 495 and 496, which it sends with the status 400. */
const certificatePage =
  /<title>400 (?:No required SSL certificate was sent|The SSL certificate error)/;

function unexpected(
  { status, url: { host }, header }: HttpResponse,
  { repository, answeredByRegistry }: Asked,
  problem: Problem,
): OciClientError {
  // A redirect's signed address runs out; asking the registry again gets a new one.
  const retryable =
    status >= 500 ||
    busyStatuses.includes(status) ||
    (expiredStatuses.includes(status) && !answeredByRegistry);
  const retryAfterMs = retryable
    ? parseRetryAfter(header("retry-after"), header("date"))
    : undefined;
  const said = problem.message && `: ${sanitize(problem.message)}`;
  const message = `${sanitize(host)} answered ${status} for ${repository}${said}.`;
  const hint = retryable
    ? "Try again later."
    : "Check the reference, or ask who runs the registry.";
  return new OciClientError("REGISTRY_ERROR", message, {
    ...{ hint, status, retryable },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

async function readProblem({ body }: HttpResponse): Promise<Problem> {
  let text = "";
  try {
    text = new TextDecoder().decode((await readBody(body, maxBodyBytes)).bytes);
    const { errors } = errorBody.parse(JSON.parse(text));
    return {
      codes: errors.map(({ code }) => code),
      message: errors.find(({ message }) => message)?.message ?? "",
    };
  } catch {
    // The status says enough when there is no body, or one of another kind.
    return { codes: [], message: "", wantsCertificate: certificatePage.test(text) };
  }
}
