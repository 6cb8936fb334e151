import { formatReference, parseReference, type Reference } from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import type { MirrorRule, RegistryRule } from "./registries-conf.js";

/** One place to pull an image from. */
export interface PullSource {
  reference: Reference;
  /** Whether the registry may be spoken to without valid TLS. */
  insecure: boolean;
  /** False for mirrors. */
  isPrimary: boolean;
}

/** A mirror that was named on the command line. */
export interface MirrorOption {
  /** As a rule's. */
  prefix: string;
  location: string;
}

/**
 * Where an image is to be looked for, in order: the mirrors that were named, those of the rule with
 * the longest prefix, and at last the registry itself.
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
    return length === undefined ? [] : [mirrorAt(location, text.slice(length), false, "--mirror")];
  });
  const found = longestMatch(text, rules);
  if (found === undefined) {
    return [...named, { reference, insecure: false, isPrimary: true }];
  }
  const { rule, rest } = found;
  if (rule.blocked) throw blocked(rule);
  const mirrors = rule.mirrors
    .filter((mirror) => has(mirror, reference))
    .map(({ location, insecure }) => mirrorAt(location, rest, insecure, rule.path));
  const primary = rule.location === "" ? reference : rewritten(rule.location, rest, rule.path);
  return [...named, ...mirrors, { reference: primary, insecure: rule.insecure, isPrimary: true }];
}

function has({ pulls }: MirrorRule, { digest }: Reference): boolean {
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

/** How much of a reference a prefix stands for; undefined where it is about other images. */
function matchLength(text: string, prefix: string): number | undefined {
  const length = prefix.startsWith("*.") ? subdomainLength(text, prefix.slice(1)) : prefix.length;
  if (length === undefined) return undefined;
  if (!prefix.startsWith("*.") && !text.startsWith(prefix)) return undefined;
  const next = text[length];
  // A colon after a host begins a port, and so another host.
  const ends = prefix.includes("/") ? ["/", ":", "@", undefined] : ["/"];
  return ends.includes(next) ? length : undefined;
}

/** @param suffix `.example.com` */
function subdomainLength(text: string, suffix: string): number | undefined {
  const at = text.indexOf(suffix);
  return at <= 0 || text.slice(0, at).includes("/") ? undefined : at + suffix.length;
}

function mirrorAt(location: string, rest: string, insecure: boolean, place: string): PullSource {
  return { reference: rewritten(location, rest, place), insecure, isPrimary: false };
}

function rewritten(location: string, rest: string, place: string): Reference {
  try {
    const reference = parseReference(`${location}${rest}`);
    const host = location.split("/", 1)[0]!.toLowerCase();
    // Without a dot or a port it would be taken for a name on Docker Hub.
    if (reference.registry !== host && host !== "index.docker.io") throw new RangeError(host);
    return reference;
  } catch (cause) {
    throw new NetbootError(
      "REGISTRY_CONFIG_INVALID",
      `${place} names a place that no image can be in: ${location}.`,
      "Write HOST[:PORT][/NAMESPACE]; a host without a dot needs its port.",
      { cause },
    );
  }
}

function blocked({ prefix, path }: RegistryRule): NetbootError {
  return new NetbootError(
    "REGISTRY_BLOCKED",
    `Images of ${prefix} are blocked on this machine, by ${path}.`,
    "Take the image from another registry, or change that file.",
  );
}
