import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { homeDirectory, readSmallFile } from "../../oci-client/index.js";
import { systemCode } from "../../support/index.js";
import { invalidConf, parseRegistriesConf, type RegistryRule } from "./registries-conf.js";

const MAX_SIZE = 1024 * 1024;

export interface RegistriesConfLocations {
  env?: NodeJS.ProcessEnv;
  home?: string;
  /** `/etc/containers` but in tests. */
  system?: string;
  onWarning?: (message: string) => void;
}

/**
 * The rules of this user or this machine: those of CONTAINERS_REGISTRIES_CONF, of
 * ~/.config/containers/registries.conf or of /etc/containers/registries.conf, the first that there is,
 * and of the files `*.conf` in registries.conf.d, of which a later one replaces rules of the same prefix.
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
  const dropIns = {
    ofSystem: join(system, "registries.conf.d"),
    ofUser: join(user, "registries.conf.d"),
  };
  const own = named ? undefined : await readIfThere(join(user, "registries.conf"));
  const files: File[] = [];
  if (named) files.push(await readNamed(named));
  else if (own) files.push(own);
  else files.push(...present(await readIfThere(join(system, "registries.conf"))));
  // A file of the user's own replaces all that the system says, as in podman.
  if (!own) files.push(...(await readDirectory(dropIns.ofSystem)));
  files.push(...(await readDirectory(dropIns.ofUser)));

  const rules = new Map<string, RegistryRule>();
  for (const { path, text } of files) {
    const found = parseRegistriesConf(text, path);
    if (found === undefined) {
      onWarning(`${path} is passed over: it has the form of version 1, which knows no mirrors.`);
    }
    for (const rule of found ?? []) rules.set(rule.prefix, rule);
  }
  return [...rules.values()];
}

interface File {
  path: string;
  text: string;
}

async function readNamed(path: string): Promise<File> {
  const file = await readIfThere(path);
  if (file === undefined) throw invalidConf(path, "is not there (CONTAINERS_REGISTRIES_CONF)");
  return file;
}

async function readDirectory(directory: string): Promise<File[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw invalidConf(directory, `cannot be read (${systemCode(error)})`, error);
  });
  const confs = names.filter((name) => name.endsWith(".conf")).sort();
  const files = await Promise.all(confs.map((name) => readIfThere(join(directory, name))));
  return files.flatMap(present);
}

async function readIfThere(path: string): Promise<File | undefined> {
  try {
    const text = await readSmallFile(path, MAX_SIZE);
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
