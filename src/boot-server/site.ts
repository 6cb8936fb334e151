import type { BootPrograms } from "./boot-programs.js";
import {
  bootScript,
  firstScript,
  type Machine,
  machineFrom,
  machineScriptName,
  refusalScript,
} from "./http/scripts.js";
import type { HttpRequest, Resource } from "./http/server.js";
import type { Release, ServedFile } from "./releases.js";

const firstScriptName = "boot.ipxe";

export interface SiteOptions {
  readonly releases: readonly Release[];
  readonly programs: BootPrograms;
  /** Added to the command line of every release. */
  readonly commandLine: string;
  readonly cloudConfig: CloudConfig | undefined;
  onScript(machine: Machine, client: string, release: Release | undefined): void;
}

/** A file of this machine, which is served, or an address that machines fetch from themselves. */
export type CloudConfig = { readonly text: string } | { readonly url: string };

/** What stands at which address. Everything is known beforehand: no path is made of a request. */
export class Site {
  readonly #options: SiteOptions;
  readonly #files = new Map<string, ServedFile>();

  constructor(options: SiteOptions) {
    this.#options = options;
    for (const [index, release] of options.releases.entries()) {
      for (const file of [release.kernel, release.initrd, release.squashfs]) {
        this.#files.set(`${placeOf(index)}/${file.name}`, file);
      }
    }
  }

  /** Where every iPXE begins. */
  static firstScriptAt(base: string): string {
    return `${base}/${firstScriptName}`;
  }

  static programAt(base: string, name: string): string {
    return `${base}/programs/${name}`;
  }

  /** The release for machines of an architecture; undefined where there is none. */
  releaseFor(architecture: string | undefined): Release | undefined {
    return this.#options.releases.find((release) => release.architecture === architecture);
  }

  find({ path, query, client, base }: HttpRequest): Resource | undefined {
    const file = this.#files.get(path) ?? this.#program(path);
    if (file !== undefined) return { kind: "file", file };
    switch (path) {
      case `/${firstScriptName}`:
        return scriptNamed(firstScriptName, firstScript(base));
      case `/${machineScriptName}`:
        return scriptNamed(machineScriptName, this.#machineScript(query, client, base));
      case "/cloud-config":
        return this.#cloudConfig();
      default:
        return undefined;
    }
  }

  #machineScript(query: URLSearchParams, client: string, base: string): string {
    const machine = machineFrom(query);
    const release = this.releaseFor(machine.architecture);
    this.#options.onScript(machine, client, release);
    if (release === undefined) {
      return refusalScript(
        `no release for ${machine.architecture ?? "its architecture"} is served`,
      );
    }
    const url = `${base}${placeOf(this.#options.releases.indexOf(release))}`;
    const { commandLine } = this.#options;
    return bootScript({ release, url, cloudConfig: this.#cloudConfigAt(base), commandLine });
  }

  #cloudConfigAt(base: string): string | undefined {
    const { cloudConfig } = this.#options;
    if (cloudConfig === undefined) return undefined;
    return "url" in cloudConfig ? cloudConfig.url : `${base}/cloud-config`;
  }

  #cloudConfig(): Resource | undefined {
    const { cloudConfig } = this.#options;
    if (cloudConfig === undefined || "url" in cloudConfig) return undefined;
    return {
      kind: "text",
      name: "cloud-config",
      type: "text/cloud-config",
      text: cloudConfig.text,
    };
  }

  #program(path: string): ServedFile | undefined {
    const name = /^\/programs\/([^/]+)$/.exec(path)?.[1];
    return name === undefined ? undefined : this.#options.programs.byName.get(name);
  }
}

function scriptNamed(name: string, text: string): Resource {
  return { kind: "text", name, type: "text/plain", text };
}

function placeOf(index: number): string {
  return `/releases/${index + 1}`;
}
