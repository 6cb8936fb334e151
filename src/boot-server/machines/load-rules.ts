import { basename, dirname, resolve } from "node:path";
import { NetbootError, readSmallFile, systemCode } from "../../support/index.js";
import type { BeforeRead } from "../files/file-snapshot.js";
import type { ServedFile } from "../files/served-file.js";
import { type BootPrograms, findSecondStages, readBootProgram } from "../releases/boot-programs.js";
import { requireUnambiguousDefault } from "../releases/find-releases.js";
import type { Release } from "../releases/release.js";
import { loadCloudConfig } from "./load-cloud-config.js";
import {
  type Located,
  type MachinesFile,
  machinesFileError,
  parseMachinesFile,
  type WrittenSettings,
} from "./machines-file.js";
import {
  type BootProgram,
  type BootSettings,
  type MachineEntry,
  mergeSettings,
  type Rules,
} from "./rules.js";
import { readUkiRoles } from "./uki-roles.js";

const maxFileBytes = 4 * 1024 * 1024;

export interface RuleSources {
  /** Path of the machines file; undefined if all machines get the same. */
  readonly machinesFile: string | undefined;
  /** Settings that the defaults of the file override. */
  readonly defaults: Pick<BootSettings, "boot" | "commandLine">;
  /** A file or a URL, for machines that the machines file gives no other cloud-config. */
  readonly cloudConfig: string | undefined;
  readonly releases: readonly Release[];
  /** The same releases by directory; a directory need not have a default release. */
  readonly directories?: readonly (readonly Release[])[] | undefined;
  readonly programs: BootPrograms;
}

/**
 * Loads the machines file and all files that it names.
 * @throws NetbootError MACHINES_INVALID, CLOUD_CONFIG_INVALID, RELEASE_INVALID
 */
export async function loadRules(
  sources: RuleSources,
  beforeRead: BeforeRead = async () => {},
): Promise<Rules> {
  const { machinesFile, cloudConfig, releases } = sources;
  const own: BootSettings = {
    ...sources.defaults,
    cloudConfig:
      cloudConfig === undefined ? undefined : await loadCloudConfig(cloudConfig, ".", beforeRead),
  };
  const rules =
    machinesFile === undefined
      ? { releases, entries: [], defaults: own, programs: new Map() }
      : await new RulesLoader(machinesFile, sources, beforeRead).load(own);
  if (rules.defaults.release === undefined) requireUnambiguousDefault(sources.directories ?? []);
  return rules;
}

/** Replaces the names in a machines file with the releases, programs and files that they refer to. */
class RulesLoader {
  readonly #path: string;
  readonly #sources: RuleSources;
  readonly #beforeRead: BeforeRead;
  readonly #programs = new Map<string, ServedFile>();

  constructor(path: string, sources: RuleSources, beforeRead: BeforeRead) {
    this.#path = path;
    this.#sources = sources;
    this.#beforeRead = beforeRead;
  }

  async load(defaults: BootSettings): Promise<Rules> {
    const written = await this.#parse();
    const entries: MachineEntry[] = [];
    for (const { match, hostname, location, ...settings } of written.machines) {
      entries.push({ ...(await this.#load(settings)), match, hostname, location });
    }
    return {
      releases: this.#sources.releases,
      entries,
      defaults: mergeSettings(await this.#load(written.defaults), defaults),
      programs: this.#programs,
    };
  }

  async #parse(): Promise<MachinesFile> {
    const path = this.#path;
    await this.#beforeRead(path);
    const bytes = await readSmallFile(path, maxFileBytes).catch((cause: unknown) => {
      const code = systemCode(cause);
      const problem =
        code === "EFBIG" ? "is larger than 4 MiB" : `cannot be read (${code ?? cause})`;
      throw new NetbootError(
        "MACHINES_INVALID",
        `The machines file ${path} ${problem}.`,
        code === "EFBIG" ? "Name another file." : "Name a file that can be read.",
        { cause },
      );
    });
    return parseMachinesFile(bytes.toString("utf8"), basename(path));
  }

  async #load(written: WrittenSettings & Located): Promise<BootSettings> {
    const { boot, cmdline, release } = written;
    const config = written["cloud-config"];
    const program = written["boot-program"];
    const at = (key: string) => written.locationOf(key);
    return {
      boot,
      commandLine: cmdline,
      release: release === undefined ? undefined : this.#findRelease(release, at("release")),
      cloudConfig:
        config === undefined
          ? undefined
          : await loadCloudConfig(config, this.#directory, this.#beforeRead).catch(
              addLocation(at("cloud-config")),
            ),
      bootProgram:
        program === undefined ? undefined : await this.#loadProgram(program, at("boot-program")),
      offerStyle: written["offer-style"],
    };
  }

  get #directory(): string {
    return dirname(this.#path);
  }

  #findRelease(name: string, location: string): Release {
    const { releases } = this.#sources;
    const found = releases.find((release) => release.name === name);
    if (found !== undefined) return found;
    const served = releases.map((release) => release.name).join(", ");
    throw machinesFileError(location, `no release ${name} is served (served: ${served})`);
  }

  /** Finds a program in the directories of boot programs, or next to the machines file. */
  async #loadProgram(name: string, location: string): Promise<BootProgram> {
    const path = resolve(this.#directory, name);
    // The program may belong to a release, and be replaced together with it.
    await this.#beforeRead(path);
    const found = (await this.#sources.programs.findByName(name)) ?? (await readBootProgram(path));
    if (found === undefined) {
      throw machinesFileError(location, `the boot program ${name} does not exist`);
    }
    const other = this.#programs.get(found.name);
    if (other !== undefined && other.path !== found.path) {
      throw machinesFileError(location, `two boot programs have the name ${found.name}`);
    }
    this.#programs.set(found.name, found);
    for (const second of await findSecondStages(found)) {
      if (!this.#programs.has(second.name)) this.#programs.set(second.name, second);
    }
    const files = await readUkiRoles(found.path).catch(() => undefined);
    return { ...found, files };
  }
}

/** Adds the position in the machines file to an error. */
function addLocation(location: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof NetbootError)) throw error;
    const message = `${location}: ${error.message}`;
    throw new NetbootError(error.code, message, error.hint, { cause: error });
  };
}
