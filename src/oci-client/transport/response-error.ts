import * as z from "zod";
import type { FailureKind } from "../core/failure.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { HttpResponse } from "./http-exchange.js";
import { readBody } from "./read-body.js";
import { parseRetryAfter } from "./retry-after.js";

/** The request that led to a response. */
export interface RequestContext {
  readonly kind: "manifest" | "blob" | "referrer" | "token" | "registry";
  readonly registry: string;
  readonly repository: string;
  /** The requested tag or digest; empty for a token and for the registry itself. */
  readonly target: string;
  /** What to do if the credentials are refused; undefined for an anonymous request. */
  readonly credentialHint?: string;
  /**
   * Set if the registry sent a challenge and got no credentials: `required` without any authorization,
   * `possible` with an anonymous token.
   */
  readonly login?: "required" | "possible";
  /** Whether the registry or its token server answered, not a host that it redirected to. */
  readonly isFromRegistry: boolean;
}

/** The content of an error response's body (OCI distribution spec, "Error Codes"). */
interface Problem {
  readonly codes: readonly string[];
  readonly message: string;
  /** Whether nginx demands a client certificate, which it does after the handshake. */
  readonly needsCertificate?: boolean;
}

const errorBody = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().nullish() })),
});

const maxBodyBytes = 64 * 1024;
const busyStatuses = [408, 425, 429];
/** Object stores' answers to an expired signed URL. */
const expiredStatuses = [400, 401, 403];

/** Reads the body of an unexpected response and describes the error. */
export async function responseError(
  response: HttpResponse,
  context: RequestContext,
): Promise<OciClientError> {
  const { status } = response;
  const problem = await readProblem(response);
  if (problem.needsCertificate) return certificateMissing(status, response.url);
  const isRefusal =
    status === 401 || status === 403 || (status === 404 && context.login === "required");
  if (isRefusal && context.isFromRegistry) return denied(status, context);
  if (status === 404 && context.kind === "manifest") return imageNotFound(context, problem);
  if (status === 404 && context.kind === "blob") return blobNotFound(context);
  return unexpected(response, context, problem);
}

function denied(
  status: number,
  { registry, repository, credentialHint }: RequestContext,
): OciClientError {
  const message =
    credentialHint === undefined
      ? `${registry} does not allow reading ${repository} without credentials, or has no such repository.`
      : `${registry} refused the credentials for ${repository}.`;
  const hint = credentialHint ?? `Check the name, or log in: docker login ${registry}.`;
  return new OciClientError("REGISTRY_DENIED", message, { hint, status });
}

function imageNotFound(
  { registry, repository, target, login }: RequestContext,
  { codes }: Problem,
): OciClientError {
  const [message, cause] = codes.includes("NAME_UNKNOWN")
    ? [`There is no repository ${repository} on ${registry}.`, "repository's name"]
    : target.includes(":")
      ? [`There is no manifest ${target} in ${registry}/${repository}.`, "digest"]
      : [`There is no tag ${sanitize(target)} in ${registry}/${repository}.`, "tag"];
  // Some registries hide private repositories from those who may not read them.
  const alternative = login === undefined ? "" : `, or log in: docker login ${registry}`;
  const hint = `Check the ${cause}${alternative}.`;
  return new OciClientError("IMAGE_NOT_FOUND", message, { hint, status: 404 });
}

function blobNotFound({ registry, repository, target }: RequestContext): OciClientError {
  const message = `There is no blob ${target} in ${registry}/${repository}.`;
  return new OciClientError("BLOB_NOT_FOUND", message, {
    hint: "The image is incomplete in its registry: push it again.",
    status: 404,
  });
}

function certificateMissing(status: number, { host }: URL): OciClientError {
  const message = `${sanitize(host)} requires a client certificate, or a different one than it received.`;
  const hint = "Give one with --tls-cert FILE and --tls-key FILE.";
  return new OciClientError("REGISTRY_DENIED", message, { hint, status });
}

/** The page for nginx's codes 495 and 496, which it sends with status 400. */
const certificatePage =
  /<title>400 (?:No required SSL certificate was sent|The SSL certificate error)/;

function unexpected(
  { status, url: { host }, header }: HttpResponse,
  { repository, isFromRegistry }: RequestContext,
  problem: Problem,
): OciClientError {
  const failure = failureOf(status, isFromRegistry);
  const isRetryable = failure !== "permanent";
  const retryAfterMs = isRetryable
    ? parseRetryAfter(header("retry-after"), header("date"))
    : undefined;
  const said = problem.message && `: ${sanitize(problem.message)}`;
  const message = `${sanitize(host)} answered ${status} for ${repository}${said}.`;
  const hint = isRetryable
    ? "Try again later."
    : "Check the reference, or ask the registry's administrators.";
  return new OciClientError("REGISTRY_ERROR", message, {
    ...{ hint, status, failure },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function failureOf(status: number, isFromRegistry: boolean): FailureKind {
  if (status >= 500 || busyStatuses.includes(status)) return "busy";
  return expiredStatuses.includes(status) && !isFromRegistry ? "expiredUrl" : "permanent";
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
    // Without a body in this format the status is enough.
    return { codes: [], message: "", needsCertificate: certificatePage.test(text) };
  }
}
