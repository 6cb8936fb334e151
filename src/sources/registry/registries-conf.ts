import { parse, TomlError } from "smol-toml";
import * as z from "zod";
import { NetbootError } from "../../support/index.js";

/** One `[[registry]]` of a registries.conf (containers-registries.conf(5)). */
export interface RegistryRule {
  /** `host[:port][/namespace…]` or `*.example.com`: the images that the rule applies to. */
  readonly prefix: string;
  /** Replaces the prefix; empty to keep it. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly MirrorRule[];
  /** The file that holds the rule, for messages. */
  readonly path: string;
}

export interface MirrorRule {
  readonly location: string;
  readonly insecure: boolean;
  readonly pulls: "all" | "digest-only" | "tag-only";
}

const mirrorTable = z.object({
  location: z.string().default(""),
  insecure: z.boolean().default(false),
  "pull-from-mirror": z.enum(["", "all", "digest-only", "tag-only"]).optional(),
});

const registryTable = z.object({
  prefix: z.string().default(""),
  location: z.string().default(""),
  insecure: z.boolean().default(false),
  blocked: z.boolean().default(false),
  "mirror-by-digest-only": z.boolean().default(false),
  "pull-from-mirror": z.undefined().optional(),
  mirror: z.array(mirrorTable).default([]),
});

const confDocument = z.object({ registry: z.array(registryTable).default([]) });

/**
 * Parses the text of a registries.conf, version 2.
 *
 * @returns undefined for version 1, which has no mirrors
 * @throws NetbootError REGISTRY_CONFIG_INVALID, because a file that cannot be understood may block
 *   a registry
 */
export function parseRegistriesConf(text: string, path: string): RegistryRule[] | undefined {
  const table = parseToml(text, path);
  if ("registries" in table) return undefined;
  const { data, error } = confDocument.safeParse(table);
  if (!data) {
    const key = error.issues[0]?.path.join(".") ?? "";
    throw invalidConf(path, `has an invalid value for ${key}`);
  }
  return data.registry.map((each) => toRule(each, path));
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    const line = cause instanceof TomlError ? `, line ${cause.line}` : "";
    throw invalidConf(path, `is not valid TOML${line}`, cause);
  }
}

function toRule(table: z.infer<typeof registryTable>, path: string): RegistryRule {
  const location = checkedLocation(table.location, path);
  const prefix = checkedLocation(table.prefix, path) || location;
  if (prefix === "") throw invalidConf(path, "has a registry with neither prefix nor location");
  if (location === "" && !prefix.startsWith("*.")) {
    throw invalidConf(path, `has no location for ${prefix}`);
  }
  const digestOnly = table["mirror-by-digest-only"];
  const mirrors = table.mirror.map((mirror) => {
    const pulls = mirror["pull-from-mirror"];
    if (digestOnly && pulls) {
      throw invalidConf(path, `sets both mirror-by-digest-only and pull-from-mirror for ${prefix}`);
    }
    const mirrorLocation = checkedLocation(mirror.location, path);
    if (mirrorLocation === "") {
      throw invalidConf(path, `has a mirror of ${prefix} without a location`);
    }
    const defaultPulls = digestOnly ? ("digest-only" as const) : ("all" as const);
    return { location: mirrorLocation, insecure: mirror.insecure, pulls: pulls || defaultPulls };
  });
  const { insecure, blocked } = table;
  return { prefix, location, insecure, blocked, mirrors, path };
}

function checkedLocation(location: string, path: string): string {
  if (location.includes("://")) throw invalidConf(path, `has a URL scheme in ${location}`);
  return location.replace(/\/+$/, "");
}

/** The error for a registries.conf, or a directory of them, that cannot be used. */
export function invalidConf(path: string, problem: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "REGISTRY_CONFIG_INVALID",
    `${path} ${problem}.`,
    "Fix the file (see man 5 containers-registries.conf), or name another one in CONTAINERS_REGISTRIES_CONF.",
    { cause },
  );
}
