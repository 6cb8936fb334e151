import type { FileRole, ServedFile } from "../files/served-file.js";
import type { BootPolicy } from "../machines/boot-policy.js";
import type { Machine } from "../machines/machine.js";
import type { BootPrograms } from "../releases/boot-programs.js";
import { findReleaseFile, isFormerReleasePath } from "../releases/release-urls.js";
import type { BootScripts } from "./boot-scripts.js";
import type { HttpRequest, Resource } from "./http-server.js";
import type { ProxiedFiles } from "./proxied-files.js";
import type { StatusPages } from "./status-pages.js";

const programs = "/programs/";
const signed = "/cloud-config/";
/** A file's address as one machine was given it: `/for/WORD`, and the usual path. */
const givenPath = /^\/for\/([^/]*)(\/.*)?$/;

export interface RouterOptions {
  readonly programs: BootPrograms;
  readonly policy: BootPolicy;
  readonly scripts: BootScripts;
  readonly status: StatusPages;
  readonly proxied?: ProxiedFiles | undefined;
  /** The machine with an address, where that is known. */
  machineAt(client: string): Machine | undefined;
}

/** What stands at which address. Everything is known beforehand: no path is made of a request. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Where every iPXE begins. */
  static firstScriptAt(base: string): string {
    return `${base}/boot.ipxe`;
  }

  static programAt(base: string, name: string): string {
    return `${base}${programs}${name}`;
  }

  /** An address where nothing stands. */
  static nothingAt(base: string): string {
    return `${base}/nothing.efi`;
  }

  find(request: HttpRequest): Resource | undefined | Promise<Resource | undefined> {
    const { path, client, base, query } = request;
    const { scripts, status } = this.#options;
    const given = givenPath.exec(path);
    if (given !== null) return this.#fileGiven(given[1]!, given[2] ?? "/");
    const file = this.#findReleaseFile(path) ?? this.#program(path);
    if (file !== undefined) return this.mayFetch(client) ? { kind: "file", file } : notForIt(file);
    if (isFormerReleasePath(path)) return notServedNow(path);
    if (path.startsWith(signed)) return scripts.cloudConfig(path.slice(signed.length), client);
    if (path === "/boot.ipxe") return scripts.first(base);
    if (path === "/machine.ipxe") return scripts.forMachine(query, client, base);
    return path.startsWith("/proxied/")
      ? this.#proxied(request)
      : status.find(path, base.startsWith(`http://${client}:`));
  }

  /** @param word says who was given the address */
  #fileGiven(word: string, path: string): Resource | undefined {
    const file = this.#findReleaseFile(path);
    const machine = this.#options.scripts.machineOf(word);
    if (file === undefined) {
      if (isFormerReleasePath(path)) return { ...notServedNow(path), mac: machine?.mac };
      return refused(path, undefined, "There is no such file.", 404);
    }
    if (machine === undefined) {
      const text = "This address was made by another server, or with another key.";
      return refused(file.name, file.role, text, 403);
    }
    const { mac } = machine;
    return this.#mayHaveFiles(machine) ? { kind: "file", file, mac } : { ...notForIt(file), mac };
  }

  #findReleaseFile(path: string): ServedFile | undefined {
    return findReleaseFile(path, this.#options.policy.releases);
  }

  #proxied(request: HttpRequest): Resource | undefined | Promise<Resource | undefined> {
    if (this.mayFetch(request.client)) return this.#options.proxied?.find(request);
    return notForIt({ name: "file of another server", role: undefined });
  }

  #program(path: string): ServedFile | undefined {
    if (!path.startsWith(programs)) return undefined;
    return this.programNamed(path.slice(programs.length));
  }

  /** A boot program, by the name that a client asks for. */
  programNamed(name: string): ServedFile | undefined {
    const { programs, policy } = this.#options;
    return programs.byName.get(name) ?? policy.programs.get(name);
  }

  /** False for machines that are known and are to boot from their disk, or not at all. */
  mayFetch(client: string): boolean {
    const machine = this.#options.machineAt(client);
    return machine === undefined || this.#mayHaveFiles(machine);
  }

  #mayHaveFiles(machine: Machine): boolean {
    const { kind } = this.#options.policy.decideFetch(machine);
    return kind !== "deny" && kind !== "local";
  }
}

function notForIt({ name, role }: { name: string; role: FileRole | undefined }): Refusal {
  return refused(name, role, "This machine is not to boot from the network.", 403);
}

function notServedNow(path: string): Refusal {
  const text = "This release is served no more, or was made again since: boot once more.";
  return refused(path, undefined, text, 410);
}

type Refusal = Resource & { kind: "text" };

/** @param text a sentence */
function refused(name: string, role: FileRole | undefined, text: string, status: number): Refusal {
  return { kind: "text", name, role, type: "text/plain", text: `${text}\n`, status };
}
