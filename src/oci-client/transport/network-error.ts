import type { FailureKind } from "../core/failure.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";

interface NetworkFailure {
  readonly codes: RegExp;
  /** The message after the host's name. */
  readonly words: string;
  readonly hint: string;
  readonly failure: FailureKind;
}

const networkHint = "Check the network and try again.";

/** Codes of Node, OpenSSL, and undici. The first row that matches a code of an error describes it. */
const networkFailures: readonly NetworkFailure[] = [
  {
    codes: /^ENOTFOUND$/,
    words: "could not be found: there is no such host",
    hint: "Check the spelling of the registry's name.",
    failure: "permanent",
  },
  {
    codes: /^EAI_AGAIN$/,
    words: "could not be looked up",
    hint: "Check this machine's DNS server and try again.",
    failure: "unreachable",
  },
  {
    codes: /^ECONNREFUSED$/,
    words: "refused the connection",
    hint: "Check the port, and that the registry is running.",
    failure: "unreachable",
  },
  {
    codes: /^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/,
    words: "cannot be reached from this network",
    hint: networkHint,
    failure: "unreachable",
  },
  {
    codes: /^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT)$/,
    words: "did not answer in time",
    hint: networkHint,
    failure: "unreachable",
  },
  {
    codes: /^UND_ERR_BODY_TIMEOUT$/,
    words: "stopped sending",
    hint: networkHint,
    failure: "unreachable",
  },
  {
    codes:
      /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|HPE_INVALID_EOF_STATE)$/,
    words: "closed the connection early",
    hint: networkHint,
    failure: "unreachable",
  },
  {
    codes: /^ERR_SSL_\w*BAD_RECORD_MAC$/,
    words: "sent data that was damaged on the way",
    hint: networkHint,
    failure: "unreachable",
  },
  {
    codes: /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/,
    words: "did not answer with HTTPS; it probably uses plain HTTP",
    hint: "Set up TLS for the registry, or allow plain HTTP with --insecure HOST.",
    failure: "permanent",
  },
  {
    codes: /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    words: "has a certificate that is not valid today",
    hint: "Check this machine's clock, or have the certificate renewed.",
    failure: "permanent",
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    words: "has a certificate for another name",
    hint: "Use the name in the certificate, or skip the check with --insecure HOST.",
    failure: "permanent",
  },
  {
    codes:
      /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    words: "has a certificate that this machine does not trust",
    hint: "Give the authority that signed it with --tls-ca FILE, or as certs.d/HOST/ca.crt in ~/.config/containers.",
    failure: "permanent",
  },
  {
    codes:
      /^(?:ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ERR_SSL_SSLV3_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+)|ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)$/,
    words: "requires a client certificate, or a different one than it received",
    hint: "Give one with --tls-cert FILE and --tls-key FILE.",
    failure: "permanent",
  },
  {
    codes: /^(?:EPROTO|ERR_SSL_.*)$/,
    words: "could not agree with this machine on TLS parameters",
    hint: "Check which TLS versions the registry, or a proxy in between, allows.",
    failure: "permanent",
  },
];

/** Codes of a connection that failed before TLS or HTTP began. */
const connectCodes =
  /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

/**
 * Describes a failed connection or a broken transfer as REGISTRY_UNREACHABLE.
 * @param via the proxy, if there is one; a connection that cannot be opened is the one to the proxy
 */
export function networkError(error: unknown, { host }: URL, via?: string): OciClientError {
  const refusal = via !== undefined && proxyStatus(error);
  if (refusal) return proxyRefusal(via, refusal, error);
  const codes = errorCodes(error);
  const known = networkFailures.find((row) => codes.some((code) => row.codes.test(code)));
  const words = known?.words ?? `could not be reached (${sanitize(String(error).trim())})`;
  const isProxy = via !== undefined && codes.some((code) => connectCodes.test(code));
  const who = isProxy ? `The proxy ${sanitize(via)}` : sanitize(host);
  return new OciClientError("REGISTRY_UNREACHABLE", `${who} ${words}.`, {
    hint: (isProxy ? proxyHint : known?.hint) ?? networkHint,
    failure: known?.failure ?? "permanent",
    cause: error,
  });
}

const proxyHint = "Check HTTPS_PROXY and HTTP_PROXY; NO_PROXY lists the hosts that need no proxy.";

/** A proxy that answered instead of the host. */
function proxyRefusal(via: string, status: number, cause: unknown): OciClientError {
  // tinyproxy answers 401 to wrong credentials.
  const isDenied = status === 407 || status === 401;
  const words = isDenied
    ? "requires a different user name and password"
    : `refused the request (${status})`;
  return new OciClientError("REGISTRY_UNREACHABLE", `The proxy ${sanitize(via)} ${words}.`, {
    hint: isDenied ? "Write them in the proxy's URL: http://USER:PASSWORD@HOST:PORT." : proxyHint,
    failure: status >= 500 ? "unreachable" : "permanent",
    cause,
  });
}

/** The status of the proxy's own answer, which undici gives only in its message. */
function proxyStatus(error: unknown): number | undefined {
  const message = error instanceof Error ? error.message : "";
  const match = /^Proxy response \((\d{3})\)|^Proxy Authentication Required \((407)\)/.exec(
    message,
  );
  return match ? Number(match[1] ?? match[2]) : undefined;
}

/** Whether a server without TLS answered a TLS handshake. */
export function isPlainHttpAnswer(error: unknown): boolean {
  return errorCodes(error).some((code) =>
    /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/.test(code),
  );
}

/** The codes of an error, of its causes, and of the errors in an AggregateError. */
function errorCodes(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const own = "code" in error ? [String(error.code)] : [];
  const attempts = error instanceof AggregateError ? error.errors : [];
  const inner = [error.cause, ...attempts].flatMap((each) => errorCodes(each, depth + 1));
  return [...own, ...inner];
}

/** Whether the table above says what an error means, and whether a retry can help. */
export function isKnownFailure(error: unknown): boolean {
  return errorCodes(error).some((code) => networkFailures.some((row) => row.codes.test(code)));
}
