import { readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { checkCloudConfig } from "../../kairos/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import type { BeforeRead } from "../files/file-snapshot.js";
import type { ServedFile } from "../files/served-file.js";
import { type BootPrograms, readBootProgram } from "../releases/boot-programs.js";
import { requireUnambiguousDefault } from "../releases/find-releases.js";
import type { Release } from "../releases/release.js";
import { unknownVariables } from "./cloud-config-template.js";
import {
  machinesError,
  type Placed,
  parseMachinesFile,
  type WrittenSettings,
} from "./machines-file.js";
import type { BootProgram, BootSettings, CloudConfig, Rules } from "./rules.js";
import { readUkiRoles } from "./uki-program.js";

const largestFile = 4 * 1024 * 1024;

export interface RuleSources {
  /** Undefined where all machines are treated alike. */
  readonly machinesFile: string | undefined;
  /** What holds where the file says nothing. */
  readonly defaults: Pick<BootSettings, "boot" | "commandLine">;
  /** A file or an address, for machines that the file gives no other. */
  readonly cloudConfig: string | undefined;
  readonly releases: readonly Release[];
  /** The same releases by the directories they are in, which may leave open which one is meant. */
  readonly directories?: readonly (readonly Release[])[] | undefined;
  readonly programs: BootPrograms;
}

/**
 * Reads the machines file and all that it names.
 * @param onFile told of each file before it is read, which waits for it
 * @throws NetbootError MACHINES_INVALID, CLOUD_CONFIG_INVALID, RELEASE_INVALID
 */
export async function loadRules(
  sources: RuleSources,
  beforeRead: BeforeRead = async () => {},
): Promise<Rules> {
  return new RulesLoader(sources, beforeRead).read();
}

class RulesLoader {
  readonly #sources: RuleSources;
  readonly #programs = new Map<string, ServedFile>();

  readonly #beforeRead: BeforeRead;

  constructor(sources: RuleSources, beforeRead: BeforeRead) {
    this.#sources = sources;
    this.#beforeRead = beforeRead;
  }

  async read(): Promise<Rules> {
    const rules = await this.#read();
    if (rules.defaults.release === undefined)
      requireUnambiguousDefault(this.#sources.directories ?? []);
    return rules;
  }

  async #read(): Promise<Rules> {
    const { machinesFile, defaults: given, cloudConfig: place, releases } = this.#sources;
    const cloudConfig = place === undefined ? undefined : await this.#cloudConfig(place, ".");
    const own: BootSettings = { ...given, cloudConfig };
    if (machinesFile === undefined) {
      return { releases, entries: [], defaults: own, programs: this.#programs };
    }
    const text = await this.#text(machinesFile, "MACHINES_INVALID", "machines file");
    const written = parseMachinesFile(text, basename(machinesFile));
    const entries: Rules["entries"][number][] = [];
    for (const { match, hostname, place, ...rest } of written.machines) {
      entries.push({ ...(await this.#settings(rest)), match, hostname, place });
    }
    const { defaults } = written;
    const known = Object.entries(await this.#settings(defaults)).filter(
      ([, it]) => it !== undefined,
    );
    const all = { ...own, ...Object.fromEntries(known) };
    return { releases, entries, defaults: all, programs: this.#programs };
  }

  async #settings(written: WrittenSettings & Placed): Promise<BootSettings> {
    const { boot, cmdline, release } = written;
    const at = (key: string) => written.placeOf(key);
    const config = written["cloud-config"];
    const program = written["boot-program"];
    const beside = dirname(this.#sources.machinesFile!);
    return {
      boot,
      commandLine: cmdline,
      release: release === undefined ? undefined : this.#release(release, at("release")),
      cloudConfig:
        config === undefined
          ? undefined
          : await this.#cloudConfig(config, beside).catch(withPlace(at("cloud-config"))),
      bootProgram:
        program === undefined
          ? undefined
          : await this.#program(program, beside, at("boot-program")),
      offerStyle: written["offer-style"],
    };
  }

  #release(name: string, place: string): Release {
    const { releases } = this.#sources;
    const found = releases.find((release) => release.name === name);
    if (found !== undefined) return found;
    const served = releases.map((release) => release.name).join(", ");
    throw machinesError(place, `no release ${name} is served (served are: ${served})`);
  }

  /** Of the directories with boot programs, or a file beside the machines file. */
  async #program(name: string, beside: string, place: string): Promise<BootProgram> {
    const path = resolve(beside, name);
    // It may be of a release, and be made again with that.
    await this.#beforeRead(path);
    const own = await this.#sources.programs.findByName(name);
    const found = own ?? (await readBootProgram(path));
    if (found === undefined) throw machinesError(place, `there is no boot program ${name}`);
    const other = this.#programs.get(found.name);
    if (other !== undefined && other.path !== found.path) {
      throw machinesError(place, `there are two boot programs with the name ${found.name}`);
    }
    this.#programs.set(found.name, found);
    const files = await readUkiRoles(found.path).catch(() => undefined);
    return { ...found, files };
  }

  async #cloudConfig(place: string, beside: string): Promise<CloudConfig> {
    if (/^https?:\/\/\S+$/.test(place)) return { url: checked(place, place) };
    const path = isAbsolute(place) ? place : join(beside, place);
    const text = await this.#text(path, "CLOUD_CONFIG_INVALID", "cloud-config");
    checkCloudConfig(text, path);
    return { text: checked(text, path) };
  }

  async #text(
    path: string,
    code: "MACHINES_INVALID" | "CLOUD_CONFIG_INVALID",
    what: string,
  ): Promise<string> {
    await this.#beforeRead(path);
    const bytes = await readFile(path).catch((cause: unknown) => {
      const isConfig = code === "CLOUD_CONFIG_INVALID";
      const hint = `Name a file that can be read${isConfig ? ", or an address that begins with http:// or https://" : ""}.`;
      const reason = systemCode(cause) ?? String(cause);
      throw new NetbootError(code, `The ${what} ${path} cannot be read (${reason}).`, hint, {
        cause,
      });
    });
    if (bytes.length <= largestFile) return bytes.toString("utf8");
    throw new NetbootError(code, `The ${what} ${path} is larger than 4 MiB.`, "Name another file.");
  }
}

/** Says where the machines file names what is wrong. */
function withPlace(place: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof NetbootError)) throw error;
    throw new NetbootError(error.code, `${place}: ${error.message}`, error.hint, { cause: error });
  };
}

function checked(text: string, path: string): string {
  const [name] = unknownVariables(text);
  if (name === undefined) return text;
  throw new NetbootError(
    "CLOUD_CONFIG_INVALID",
    `The cloud-config ${path} names \${machine.${name}}, which there is not.`,
    "There are machine.mac, machine.ip, machine.uuid, machine.serial and machine.hostname.",
  );
}
