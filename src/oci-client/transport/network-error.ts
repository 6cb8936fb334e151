import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";

interface Failure {
  codes: RegExp;
  /** What follows the host's name. */
  words: string;
  hint: string;
  retryable: boolean;
}

const networkHint = "Check the network and try again.";

/** In Node's, OpenSSL's and undici's names; the first row that has an error's code describes it. */
const failures: readonly Failure[] = [
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
    hint: networkHint,
    retryable: true,
  },
  {
    codes: /^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT)$/,
    words: "did not answer in time",
    hint: networkHint,
    retryable: true,
  },
  { codes: /^UND_ERR_BODY_TIMEOUT$/, words: "stopped sending", hint: networkHint, retryable: true },
  {
    codes:
      /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|HPE_INVALID_EOF_STATE)$/,
    words: "broke off the connection",
    hint: networkHint,
    retryable: true,
  },
  {
    codes: /^ERR_SSL_\w*BAD_RECORD_MAC$/,
    words: "sent what was damaged on the way",
    hint: networkHint,
    retryable: true,
  },
  {
    codes: /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/,
    words: "gave no HTTPS answer; it probably speaks plain HTTP",
    hint: "Give the registry TLS; plain HTTP elsewhere than on this machine needs --insecure HOST.",
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
    hint: "Use the name that the certificate is for; --insecure HOST leaves it unchecked.",
    retryable: false,
  },
  {
    codes:
      /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    words: "has a certificate that this machine does not trust",
    hint: "Name the authority that signed it with --tls-ca FILE, or put it into certs.d/HOST/ca.crt in ~/.config/containers.",
    retryable: false,
  },
  {
    codes:
      /^(?:ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ERR_SSL_SSLV3_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+)|ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)$/,
    words: "wants a client certificate, or another one than it was shown",
    hint: "Name one with --tls-cert FILE and --tls-key FILE.",
    retryable: false,
  },
  {
    codes: /^(?:EPROTO|ERR_SSL_.*)$/,
    words: "could not agree with this machine on TLS",
    hint: "Check which TLS versions the registry, or a proxy on the way, allows.",
    retryable: false,
  },
];

/** What a connection fails with before a byte of TLS or HTTP was said. */
const connectCodes =
  /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

/**
 * Puts a failed connection or a broken transfer into words, as REGISTRY_UNREACHABLE.
 * @param via the proxy on the way, if there is one: what cannot be connected to is the proxy
 */
export function networkError(error: unknown, { host }: URL, via?: string): OciClientError {
  const refusal = via !== undefined && proxyStatus(error);
  if (refusal) return proxyRefusal(via, refusal, error);
  const codes = errorCodes(error);
  const failure = failures.find((row) => codes.some((code) => row.codes.test(code)));
  const words = failure?.words ?? `could not be reached (${sanitize(String(error).trim())})`;
  const isProxy = via !== undefined && codes.some((code) => connectCodes.test(code));
  const who = isProxy ? `The proxy ${sanitize(via)}` : sanitize(host);
  return new OciClientError("REGISTRY_UNREACHABLE", `${who} ${words}.`, {
    hint: (isProxy ? proxyHint : failure?.hint) ?? networkHint,
    retryable: failure?.retryable ?? false,
    cause: error,
  });
}

const proxyHint = "Check HTTPS_PROXY and HTTP_PROXY; NO_PROXY names hosts that need none.";

/** A proxy that answered in the place of who was asked. */
function proxyRefusal(via: string, status: number, cause: unknown): OciClientError {
  // tinyproxy says 401 to wrong ones.
  const isDenied = status === 407 || status === 401;
  const words = isDenied
    ? "wants another user and password"
    : `did not let the request pass (${status})`;
  return new OciClientError("REGISTRY_UNREACHABLE", `The proxy ${sanitize(via)} ${words}.`, {
    hint: isDenied ? "Write them as http://USER:PASSWORD@HOST:PORT." : proxyHint,
    retryable: status >= 500,
    cause,
  });
}

/** The status that a proxy answered with itself; undici tells it in words only. */
function proxyStatus(error: unknown): number | undefined {
  const message = error instanceof Error ? error.message : "";
  const match = /^Proxy response \((\d{3})\)|^Proxy Authentication Required \((407)\)/.exec(
    message,
  );
  return match ? Number(match[1] ?? match[2]) : undefined;
}

/** True for what a server answers that was greeted with TLS and does not speak it. */
export function isNoTls(error: unknown): boolean {
  return errorCodes(error).some((code) =>
    /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/.test(code),
  );
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
  return errorCodes(error).some((code) => failures.some((row) => row.codes.test(code)));
}
