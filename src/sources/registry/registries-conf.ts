import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { NetbootError } from "../../support/index.js";

/** One `[[registry]]` of a registries.conf (containers-registries.conf(5)). */
export interface RegistryRule {
  /** `host[:port][/namespace…]` or `*.example.com`: the images it is about. */
  prefix: string;
  /** What the prefix is replaced by; empty where nothing is. */
  location: string;
  insecure: boolean;
  blocked: boolean;
  mirrors: readonly MirrorRule[];
  /** The file it stands in, for messages. */
  path: string;
}

export interface MirrorRule {
  location: string;
  insecure: boolean;
  pulls: "all" | "digest-only" | "tag-only";
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
 * Reads the text of a registries.conf, version 2.
 *
 * @returns undefined for version 1, which has no mirrors
 * @throws NetbootError REGISTRY_CONFIG_INVALID: what is not understood may hold a ban
 */
export function parseRegistriesConf(text: string, path: string): RegistryRule[] | undefined {
  const table = parseToml(text, path);
  if ("registries" in table) return undefined;
  const { data, error } = confDocument.safeParse(table);
  if (!data) {
    const place = error.issues[0]?.path.join(".") ?? "";
    throw invalidConf(path, `has something else than is allowed at ${place}`);
  }
  return data.registry.map((each) => ruleOf(each, path));
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    const line = cause instanceof TomlError ? `, line ${cause.line}` : "";
    throw invalidConf(path, `is not valid TOML${line}`, cause);
  }
}

function ruleOf(table: z.infer<typeof registryTable>, path: string): RegistryRule {
  const location = checkedLocation(table.location, path);
  const prefix = checkedLocation(table.prefix, path) || location;
  if (prefix === "") throw invalidConf(path, "has a registry without prefix and location");
  if (location === "" && !prefix.startsWith("*.")) {
    throw invalidConf(path, `gives ${prefix} no location`);
  }
  const digestOnly = table["mirror-by-digest-only"];
  const mirrors = table.mirror.map((mirror) => {
    const pulls = mirror["pull-from-mirror"];
    if (digestOnly && pulls) {
      throw invalidConf(path, `says twice which images of ${prefix} a mirror has`);
    }
    const place = checkedLocation(mirror.location, path);
    if (place === "") throw invalidConf(path, `has a mirror of ${prefix} without location`);
    const customary = digestOnly ? ("digest-only" as const) : ("all" as const);
    return { location: place, insecure: mirror.insecure, pulls: pulls || customary };
  });
  const { insecure, blocked } = table;
  return { prefix, location, insecure, blocked, mirrors, path };
}

function checkedLocation(location: string, path: string): string {
  if (location.includes("://")) throw invalidConf(path, `has a scheme in ${location}`);
  return location.replace(/\/+$/, "");
}

export function invalidConf(path: string, problem: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "REGISTRY_CONFIG_INVALID",
    `${path} ${problem}.`,
    "Mend the file (man 5 containers-registries.conf), or name another in CONTAINERS_REGISTRIES_CONF.",
    { cause },
  );
}
