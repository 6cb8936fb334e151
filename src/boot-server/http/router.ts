import type { FileRole, ServedFile } from "../files/served-file.js";
import type { BootPolicy } from "../machines/boot-policy.js";
import type { Machine } from "../machines/machine.js";
import { type BootPrograms, findProgramNamed } from "../releases/boot-programs.js";
import { findReleaseFile, isFormerReleasePath } from "../releases/release-urls.js";
import type { BootScripts } from "./boot-scripts.js";
import type { ProxiedFiles } from "./proxied-files.js";
import type { BootHttpRequest, Resource, TextResource } from "./resource.js";
import type { StatusPages } from "./status-pages.js";
import { parsePathForMachine, paths } from "./urls.js";

export interface RouterOptions {
  readonly programs: BootPrograms;
  readonly policy: BootPolicy;
  readonly scripts: BootScripts;
  readonly status: StatusPages;
  readonly proxied: ProxiedFiles;
  /** Returns the machine with an IP address, if it is known. */
  machineAt(client: string): Machine | undefined;
}

/** Maps URL paths to resources. All files are known in advance; no file path comes from a request. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  find(request: BootHttpRequest): Resource | undefined | Promise<Resource | undefined> {
    const { path, client, base, query } = request;
    const { scripts, status } = this.#options;
    const forMachine = parsePathForMachine(path);
    if (forMachine !== undefined) return this.#findForMachine(forMachine);
    const file = this.#findFile(path) ?? this.#findProgram(path);
    if (file !== undefined) return this.mayFetch(client) ? { kind: "file", file } : refused(file);
    if (isFormerReleasePath(path)) return noLongerServed(path);
    if (path === paths.firstScript) return scripts.first(base);
    if (path === paths.machineScript) return scripts.forMachine(query, client, base);
    if (path.startsWith(paths.cloudConfigs)) {
      return scripts.cloudConfig(path.slice(paths.cloudConfigs.length), client);
    }
    if (path.startsWith(paths.proxiedFiles)) return this.#findProxied(request);
    return status.find(path, base.startsWith(`http://${client}:`));
  }

  #findForMachine({ token, path }: { token: string; path: string }): Resource {
    const file = this.#findFile(path);
    const machine = this.#options.scripts.machineOf(token);
    if (file === undefined) {
      return isFormerReleasePath(path)
        ? { ...noLongerServed(path), mac: machine?.mac }
        : refusal(path, undefined, "There is no such file.", 404);
    }
    if (machine === undefined) {
      const text = "Another server made this URL, or this server made it with another key.";
      return refusal(file.name, file.role, text, 403);
    }
    const { mac } = machine;
    return this.#isServed(machine) ? { kind: "file", file, mac } : { ...refused(file), mac };
  }

  #findFile(path: string): ServedFile | undefined {
    return findReleaseFile(path, this.#options.policy.releases);
  }

  #findProxied(request: BootHttpRequest): Resource | Promise<Resource | undefined> {
    if (this.mayFetch(request.client)) return this.#options.proxied.find(request);
    return refused({ name: "file of another server", role: undefined });
  }

  #findProgram(path: string): ServedFile | undefined {
    if (!path.startsWith(paths.programs)) return undefined;
    return this.findProgram(path.slice(paths.programs.length));
  }

  /** Finds a boot program by the name that clients ask for. */
  findProgram(name: string): ServedFile | undefined {
    const { programs, policy } = this.#options;
    return findProgramNamed(programs.byName, name) ?? findProgramNamed(policy.programs, name);
  }

  /** False if the client is known and should boot from its disk, or is refused. */
  mayFetch(client: string): boolean {
    const machine = this.#options.machineAt(client);
    return machine === undefined || this.#isServed(machine);
  }

  #isServed(machine: Machine): boolean {
    const { kind } = this.#options.policy.decideFetch(machine);
    return kind !== "deny" && kind !== "local";
  }
}

function refused({ name, role }: { name: string; role: FileRole | undefined }): TextResource {
  return refusal(name, role, "This machine may not boot from the network.", 403);
}

function noLongerServed(path: string): TextResource {
  const text = "This release has been removed or rebuilt. Boot the machine again.";
  return refusal(path, undefined, text, 410);
}

/** @param text a sentence */
function refusal(
  name: string,
  role: FileRole | undefined,
  text: string,
  status: number,
): TextResource {
  return { kind: "text", name, role, type: "text/plain", text: `${text}\n`, status };
}
