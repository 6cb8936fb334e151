import { isIPv6 } from "node:net";
import { isDigest } from "./digest.js";
import { OciClientError } from "./oci-client-error.js";
import { sanitize } from "./sanitize.js";

/** The parts of `registry/repository:tag@digest`. */
export interface Reference {
  /** Host and optional port: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Longer than any reference whose parts respect their own limits. */
const maxReferenceLength = 1024;
const maxPartLength = 255;

const hostLabel = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?";
const registryPattern = new RegExp(
  `^(?:${hostLabel}(?:\\.${hostLabel})*|\\[([a-f0-9:.]+)\\])(?::\\d+)?$`,
);
const pathComponent = "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * Parses an image reference by the grammar of distribution/reference, with Docker Hub's short names:
 * `debian` is `docker.io/library/debian:latest`. A reference with neither tag nor digest gets the tag
 * `latest`. The registry is a host name and therefore converted to lower case (RFC 4343).
 * @throws OciClientError REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  if (text.length > maxReferenceLength) throw invalid(text, "is too long");
  if (text.includes("://")) {
    throw invalid(text, "begins with a scheme", "Remove everything up to and including ://.");
  }
  const { name, tag, digest } = splitSuffixes(text);
  const place = splitRegistry(name);
  checkRegistry(text, place.registry);
  checkRepository(text, place.repository);
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw invalid(
      text,
      "has a malformed tag",
      "A tag has up to 128 letters, digits, '_', '.', and '-', and does not begin with '.' or '-'.",
    );
  }
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(
      text,
      "has a malformed or unsupported digest",
      "A digest is sha256: with 64 lower-case hex digits, or sha512: with 128.",
    );
  }
  const isBare = tag === undefined && digest === undefined;
  return {
    ...place,
    ...(tag !== undefined && { tag }),
    ...(isBare && { tag: "latest" }),
    ...(digest !== undefined && { digest }),
  };
}

/** Formats a reference in full. `parseReference` reads the result as the same value. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  const suffixes = (tag ? `:${tag}` : "") + (digest ? `@${digest}` : "");
  return `${registry}/${repository}${suffixes}`;
}

function splitSuffixes(text: string): { name: string; tag?: string; digest?: string } {
  const [nameAndTag, digest] = cut(text, text.indexOf("@"));
  const colon = nameAndTag.lastIndexOf(":");
  // A colon before the last slash belongs to the registry's port.
  const [name, tag] = cut(nameAndTag, colon > nameAndTag.lastIndexOf("/") ? colon : -1);
  return { name, tag, digest };
}

function cut(text: string, at: number): [before: string, after?: string] {
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash).toLowerCase();
  const isRegistry = /[.:]/.test(first) || first === "localhost";
  const registry = isRegistry && first !== "index.docker.io" ? first : "docker.io";
  const repository = isRegistry ? name.slice(slash + 1) : name;
  const isOfficial = registry === "docker.io" && !repository.includes("/");
  return { registry, repository: isOfficial ? `library/${repository}` : repository };
}

function checkRegistry(text: string, registry: string): void {
  const match = registry.length <= maxPartLength ? registryPattern.exec(registry) : null;
  const address = match?.[1];
  // The grammar accepts ports above 65535 and addresses such as 1.2.3.999; the URL parser does not.
  const usable = match && URL.canParse(`https://${registry}/`) && (!address || isIPv6(address));
  if (!usable) {
    throw invalid(
      text,
      "does not name a valid registry",
      "A registry is a host name, optionally followed by :PORT.",
    );
  }
}

function checkRepository(text: string, repository: string): void {
  if (repository.length > maxPartLength) {
    throw invalid(text, "has a repository name of more than 255 characters");
  }
  if (repositoryPattern.test(repository)) return;
  if (repositoryPattern.test(repository.toLowerCase())) {
    const hint = `Repository names are in lower case: write ${repository.toLowerCase()}.`;
    throw invalid(text, "has upper-case letters in its repository name", hint);
  }
  throw invalid(text, "has a malformed repository name");
}

function invalid(text: string, problem: string, hint = "Write it as registry/repository:tag.") {
  const shown =
    text === "" ? "The empty image reference" : `The image reference "${sanitize(text)}"`;
  return new OciClientError("REFERENCE_INVALID", `${shown} ${problem}.`, { hint });
}
