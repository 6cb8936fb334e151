import { formatReference, parseReference, type Reference } from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import type { MirrorRule, RegistryRule } from "./registries-conf.js";

/** One mirror or registry from which an image can be pulled. */
export interface PullSource {
  readonly reference: Reference;
  /** Whether plain HTTP, or TLS without a valid certificate, is allowed. */
  readonly insecure: boolean;
  /** False for mirrors. */
  readonly isPrimary: boolean;
}

/** A mirror from the command line. */
export interface MirrorOption {
  /** The images that it mirrors, in the form of `RegistryRule.prefix`. */
  readonly prefix: string;
  readonly location: string;
}

/**
 * Lists the sources of an image in the order in which to try them: the mirrors from the command line,
 * those of the rule with the longest prefix, and the registry itself.
 *
 * @throws NetbootError REGISTRY_BLOCKED, REGISTRY_CONFIG_INVALID
 */
export function pullSources(
  reference: Reference,
  rules: readonly RegistryRule[],
  options: readonly MirrorOption[] = [],
): PullSource[] {
  const text = formatReference(reference);
  const named = options.flatMap(({ prefix, location }) => {
    const length = matchLength(text, prefix);
    return length === undefined ? [] : [toMirror(location, text.slice(length), false, "--mirror")];
  });
  const found = longestMatch(text, rules);
  if (found === undefined) {
    return [...named, { reference, insecure: false, isPrimary: true }];
  }
  const { rule, rest } = found;
  if (rule.blocked) throw blocked(rule);
  const mirrors = rule.mirrors
    .filter((mirror) => appliesTo(mirror, reference))
    .map(({ location, insecure }) => toMirror(location, rest, insecure, rule.path));
  const primary = rule.location === "" ? reference : rewrite(rule.location, rest, rule.path);
  return [...named, ...mirrors, { reference: primary, insecure: rule.insecure, isPrimary: true }];
}

function appliesTo({ pulls }: MirrorRule, { digest }: Reference): boolean {
  return pulls === "all" || (pulls === "digest-only") === (digest !== undefined);
}

function longestMatch(text: string, rules: readonly RegistryRule[]) {
  let found: { rule: RegistryRule; rest: string } | undefined;
  for (const rule of rules) {
    const length = matchLength(text, rule.prefix);
    const isLonger = rule.prefix.length > (found?.rule.prefix.length ?? 0);
    if (length !== undefined && isLonger) found = { rule, rest: text.slice(length) };
  }
  return found;
}

/** The length of the part of a reference that a prefix matches; undefined if it does not match. */
function matchLength(text: string, prefix: string): number | undefined {
  const length = prefix.startsWith("*.") ? subdomainLength(text, prefix.slice(1)) : prefix.length;
  if (length === undefined) return undefined;
  if (!prefix.startsWith("*.") && !text.startsWith(prefix)) return undefined;
  const next = text[length];
  // A colon after a host begins a port, and thus names another registry.
  const ends = prefix.includes("/") ? ["/", ":", "@", undefined] : ["/"];
  return ends.includes(next) ? length : undefined;
}

/** @param suffix `.example.com` */
function subdomainLength(text: string, suffix: string): number | undefined {
  const at = text.indexOf(suffix);
  return at <= 0 || text.slice(0, at).includes("/") ? undefined : at + suffix.length;
}

function toMirror(location: string, rest: string, insecure: boolean, origin: string): PullSource {
  return { reference: rewrite(location, rest, origin), insecure, isPrimary: false };
}

/** @param origin the option or the file that names the location, for messages */
function rewrite(location: string, rest: string, origin: string): Reference {
  try {
    const reference = parseReference(`${location}${rest}`);
    const [first = ""] = location.split("/", 1);
    const host = first.toLowerCase();
    // A host without a dot or a port would be read as a name on Docker Hub.
    if (reference.registry !== host && host !== "index.docker.io") throw new RangeError(host);
    return reference;
  } catch (cause) {
    throw new NetbootError(
      "REGISTRY_CONFIG_INVALID",
      `${origin} names a location that cannot hold an image: ${location}.`,
      "Write HOST[:PORT][/NAMESPACE]. A host name without a dot needs a port.",
      { cause },
    );
  }
}

function blocked({ prefix, path }: RegistryRule): NetbootError {
  return new NetbootError(
    "REGISTRY_BLOCKED",
    `The file ${path} blocks images of ${prefix} on this machine.`,
    "Use an image from another registry, or change that file.",
  );
}
