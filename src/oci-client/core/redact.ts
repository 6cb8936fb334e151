/** Redacting shorter secrets would hide half of every message. */
const minSecretLength = 4;
/** A long pull with short-lived tokens registers many: the oldest are dropped. */
const maxSecrets = 1000;

const secrets = new Set<string>();

/**
 * Registers a password or token, so that no message shows it. A server may quote a secret that it
 * received in its answer, in plain text or as it was encoded in a header or a URL.
 */
export function registerSecret(secret: string): void {
  if (secret.length < minSecretLength) return;
  const base64 = Buffer.from(secret).toString("base64");
  for (const form of [secret, encodeURIComponent(secret), base64]) {
    secrets.add(form);
    const [oldest] = secrets;
    if (secrets.size > maxSecrets && oldest !== undefined) secrets.delete(oldest);
  }
}

/** Replaces every registered secret by asterisks. */
export function redact(text: string): string {
  let shown = text;
  // Longest first, because one secret may be part of another.
  const present = [...secrets].filter((secret) => text.includes(secret));
  for (const secret of present.sort((a, b) => b.length - a.length)) {
    shown = shown.replaceAll(secret, "***");
  }
  return shown;
}
