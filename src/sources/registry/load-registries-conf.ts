import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { homeDirectory, readSmallFile } from "../../oci-client/index.js";
import { systemCode } from "../../support/index.js";
import { invalidConf, parseRegistriesConf, type RegistryRule } from "./registries-conf.js";

const maxConfBytes = 1024 * 1024;

export interface RegistriesConfLocations {
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
  /** `/etc/containers`, except in tests. */
  readonly system?: string;
  readonly onWarning?: (message: string) => void;
}

/**
 * Reads the rules that apply to this user on this machine. They come from the first of these files
 * that exists: the one that CONTAINERS_REGISTRIES_CONF names, ~/.config/containers/registries.conf,
 * /etc/containers/registries.conf; and from the `*.conf` files in registries.conf.d. A later file
 * replaces rules with the same prefix.
 *
 * @throws NetbootError REGISTRY_CONFIG_INVALID
 */
export async function loadRegistriesConf({
  env = process.env,
  home = homeDirectory(env),
  system = "/etc/containers",
  onWarning = () => {},
}: RegistriesConfLocations = {}): Promise<RegistryRule[]> {
  const user = join(home, ".config/containers");
  const named = env.CONTAINERS_REGISTRIES_CONF;
  const userFile = named ? undefined : await readIfPresent(join(user, "registries.conf"));
  const files: ConfFile[] = [];
  if (named) files.push(await readNamed(named));
  else files.push(...present(userFile ?? (await readIfPresent(join(system, "registries.conf")))));
  // As in podman, a user's own file replaces everything that the system's files say.
  if (!userFile) files.push(...(await readDirectory(join(system, "registries.conf.d"))));
  files.push(...(await readDirectory(join(user, "registries.conf.d"))));

  const rules = new Map<string, RegistryRule>();
  for (const { path, text } of files) {
    const found = parseRegistriesConf(text, path);
    if (found === undefined) {
      onWarning(`Ignoring ${path}: its format is version 1, which has no mirrors.`);
    }
    for (const rule of found ?? []) rules.set(rule.prefix, rule);
  }
  return [...rules.values()];
}

interface ConfFile {
  readonly path: string;
  readonly text: string;
}

async function readNamed(path: string): Promise<ConfFile> {
  const file = await readIfPresent(path);
  if (file === undefined) {
    throw invalidConf(path, "does not exist (CONTAINERS_REGISTRIES_CONF names it)");
  }
  return file;
}

async function readDirectory(directory: string): Promise<ConfFile[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw invalidConf(directory, `cannot be read (${systemCode(error)})`, error);
  });
  const confs = names.filter((name) => name.endsWith(".conf")).sort();
  const files = await Promise.all(confs.map((name) => readIfPresent(join(directory, name))));
  return files.flatMap(present);
}

async function readIfPresent(path: string): Promise<ConfFile | undefined> {
  try {
    const text = await readSmallFile(path, maxConfBytes);
    if (text === undefined) throw invalidConf(path, "is larger than 1 MiB");
    return { path, text };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    const code = systemCode(error);
    throw code?.startsWith("E") ? invalidConf(path, `cannot be read (${code})`, error) : error;
  }
}

function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
