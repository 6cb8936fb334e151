import * as z from "zod";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import { readSmallFile } from "../core/small-file.js";
import type { Credential } from "./credential.js";

const maxFileBytes = 1024 * 1024;

const authEntry = z.object({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
});

const authDocument = z.object({
  // Docker and podman accept null for an empty entry.
  auths: z.record(z.string(), authEntry.nullable()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

type AuthEntry = z.infer<typeof authEntry>;

/** Docker's config.json or podman's auth.json, with keys as `normalizeKey` returns them. */
export interface AuthFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, AuthEntry | null>;
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for every registry that has none of its own. */
  readonly defaultHelper?: string;
}

/**
 * Reads a credentials file.
 * @throws OciClientError CREDENTIALS_INVALID if its content is malformed, and the system's error if
 *   it cannot be read. Neither error quotes the content.
 */
export async function readAuthFile(path: string): Promise<AuthFile> {
  const text = await readSmallFile(path, maxFileBytes);
  if (text === undefined) throw invalidFile(path, "is larger than 1 MiB");
  return parseAuthFile(text, path);
}

/** @throws OciClientError CREDENTIALS_INVALID */
function parseAuthFile(text: string, path: string): AuthFile {
  const { data } = authDocument.safeParse(parseJson(text, path));
  if (!data) throw invalidFile(path, "does not have the form of Docker's config.json");
  return {
    path,
    entries: byNormalKey(data.auths ?? {}),
    helpers: byNormalKey(data.credHelpers ?? {}),
    defaultHelper: data.credsStore || undefined,
  };
}

/**
 * Decodes the credential of an entry.
 * @returns undefined for an empty entry, which Docker writes if a helper stores the credential
 * @throws OciClientError CREDENTIALS_INVALID
 */
export function decodeEntry(entry: AuthEntry, key: string, path: string): Credential | undefined {
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  if (!entry.auth) {
    const { username, password } = entry;
    return username && password ? { username, password } : undefined;
  }
  // Docker pads passwords with zero bytes.
  const decoded = Buffer.from(entry.auth, "base64").toString().replace(/\0+$/, "");
  const colon = decoded.indexOf(":");
  if (colon <= 0) throw invalidFile(path, `has a malformed "auth" for ${sanitize(key)}`);
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/**
 * Converts a key to `host[:port][/namespace…]`. Docker's old keys, with a scheme or with /v1/ at the
 * end, apply to a whole host; Docker Hub's is `https://index.docker.io/v1/`.
 */
function normalizeKey(key: string): string {
  const isOldForm = /^https?:\/\/|\/v[12]\/$/.test(key);
  const [host = "", ...path] = key
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "")
    .split("/");
  const name = /^(?:index|registry-1)\.docker\.io$/i.test(host) ? "docker.io" : host.toLowerCase();
  return isOldForm ? name : [name, ...path].join("/");
}

function byNormalKey<T>(record: Record<string, T>): Map<string, T> {
  const pairs = Object.entries(record).map(
    ([key, value]) => [normalizeKey(key), value, key] as const,
  );
  // The plain spelling comes last, so that it wins over older spellings of the same key.
  pairs.sort(([a, , rawA], [b, , rawB]) => Number(a === rawA) - Number(b === rawB));
  return new Map(pairs.map(([key, value]) => [key, value]));
}

function parseJson(text: string, path: string): unknown {
  try {
    // Docker accepts an empty file as one without credentials.
    return JSON.parse(text.trim() || "{}");
  } catch {
    // The parser's message would quote the file, and with it a password.
    throw invalidFile(path, "is not valid JSON");
  }
}

function invalidFile(path: string, problem: string): OciClientError {
  return new OciClientError(
    "CREDENTIALS_INVALID",
    `The credentials file ${sanitize(path)} ${problem}.`,
    {
      hint: "Correct the file, or delete it and log in again.",
    },
  );
}
