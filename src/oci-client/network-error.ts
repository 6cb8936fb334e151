import { OciClientError } from "./error.js";
import { printable } from "./printable.js";

interface Failure {
  codes: RegExp;
  /** What follows the host's name. */
  words: string;
  hint: string;
  retryable: boolean;
}

const AGAIN = "Check the network and try again.";

/** In Node's, OpenSSL's and undici's names; the first row that has an error's code describes it. */
const FAILURES: readonly Failure[] = [
  {
    codes: /^ENOTFOUND$/,
    words: "does not exist: no such host is known",
    hint: "Check the spelling of the registry's name.",
    retryable: false,
  },
  {
    codes: /^EAI_AGAIN$/,
    words: "could not be looked up",
    hint: "Check this machine's name server and try again.",
    retryable: true,
  },
  {
    codes: /^ECONNREFUSED$/,
    words: "refused the connection",
    hint: "Check the port, and that the registry is running.",
    retryable: true,
  },
  {
    codes: /^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/,
    words: "cannot be reached from this network",
    hint: AGAIN,
    retryable: true,
  },
  {
    codes: /^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT)$/,
    words: "did not answer in time",
    hint: AGAIN,
    retryable: true,
  },
  { codes: /^UND_ERR_BODY_TIMEOUT$/, words: "stopped sending", hint: AGAIN, retryable: true },
  {
    codes:
      /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|HPE_INVALID_EOF_STATE)$/,
    words: "broke off the connection",
    hint: AGAIN,
    retryable: true,
  },
  {
    codes: /^ERR_SSL_\w*BAD_RECORD_MAC$/,
    words: "sent what was damaged on the way",
    hint: AGAIN,
    retryable: true,
  },
  {
    codes: /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/,
    words: "gave no HTTPS answer; it probably speaks plain HTTP",
    hint: "Plain HTTP is used for this machine's own addresses only: give the registry TLS.",
    retryable: false,
  },
  {
    codes: /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    words: "has a certificate that is not valid today",
    hint: "Check this machine's clock, or have the certificate renewed.",
    retryable: false,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    words: "has a certificate for another name",
    hint: "Use the name that the certificate is for.",
    retryable: false,
  },
  {
    codes:
      /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    words: "has a certificate that this machine does not trust",
    hint: "Have this machine trust the authority that signed the registry's certificate.",
    retryable: false,
  },
  {
    codes: /^(?:EPROTO|ERR_SSL_.*)$/,
    words: "could not agree with this machine on TLS",
    hint: "Check which TLS versions the registry, or a proxy on the way, allows.",
    retryable: false,
  },
];

/** Puts a failed connection or a broken transfer into words, as REGISTRY_UNREACHABLE. */
export function networkError(error: unknown, { host }: URL): OciClientError {
  const codes = errorCodes(error);
  const failure = FAILURES.find((row) => codes.some((code) => row.codes.test(code)));
  const words = failure?.words ?? `could not be reached (${printable(String(error).trim())})`;
  return new OciClientError("REGISTRY_UNREACHABLE", `${printable(host)} ${words}.`, {
    hint: failure?.hint ?? AGAIN,
    retryable: failure?.retryable ?? false,
    cause: error,
  });
}

/** The codes of an error, of its causes, and of the attempts that an AggregateError gathers. */
function errorCodes(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const own = "code" in error ? [String(error.code)] : [];
  const attempts = error instanceof AggregateError ? error.errors : [];
  const inner = [error.cause, ...attempts].flatMap((each) => errorCodes(each, depth + 1));
  return [...own, ...inner];
}

/** True where it is known what an error means, and whether another attempt can help. */
export function isKnownFailure(error: unknown): boolean {
  return errorCodes(error).some((code) => FAILURES.some((row) => row.codes.test(code)));
}
