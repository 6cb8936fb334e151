/** Shorter ones would blot out half of every message. */
const minSecretLength = 4;
/** Of a long pull with short-lived tokens, the oldest are forgotten. */
const maxSecrets = 1000;

const secrets = new Set<string>();

/**
 * Remembers a password or token, so that no message shows it: a server that is asked with one may
 * quote it in what it answers, plainly or as it stood in a header or an address.
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

/** Puts asterisks in the place of every secret that is known. */
export function redact(text: string): string {
  let shown = text;
  // Longest first: one may be part of another.
  const present = [...secrets].filter((secret) => text.includes(secret));
  for (const secret of present.sort((a, b) => b.length - a.length)) {
    shown = shown.replaceAll(secret, "***");
  }
  return shown;
}
