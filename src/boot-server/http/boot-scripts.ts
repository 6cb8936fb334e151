import type { FileRole } from "../files/served-file.js";
import type { ApiAnswer, BootApi } from "../machines/boot-api.js";
import { type BootPolicy, type Decision, rolesToFetch } from "../machines/boot-policy.js";
import { expandVariables } from "../machines/cloud-config-template.js";
import type { Machine } from "../machines/machine.js";
import type { MachineStore } from "../machines/machine-store.js";
import type { MachineTokens } from "../machines/machine-token.js";
import type { CloudConfig } from "../machines/rules.js";
import { releasePath } from "../releases/release-urls.js";
import { apiScript } from "./api-script.js";
import type { Resource } from "./http-server.js";
import type { ProxiedFiles } from "./proxied-files.js";
import { Router } from "./router.js";
import { bootScript, diskScript, firstScript, machineFrom, refusalScript } from "./scripts.js";

export interface BootScriptsOptions {
  readonly policy: BootPolicy;
  readonly machineStore: MachineStore;
  readonly tokens: MachineTokens;
  /** Undefined where no rule asks one. */
  readonly api?: BootApi | undefined;
  readonly proxied?: ProxiedFiles | undefined;
  /** A machine was given a script, and is to fetch what that names: files of these roles. */
  onScript(machine: Machine, decision: Decision, awaited: readonly FileRole[]): void;
  /** A machine said that it is another one, and got nothing. */
  onImpostor(mac: string, said: string): void;
}

/** The scripts that iPXE runs, and the cloud-configs that these name. */
export class BootScripts {
  readonly #options: BootScriptsOptions;

  constructor(options: BootScriptsOptions) {
    this.#options = options;
  }

  first(base: string): Resource {
    return text("boot.ipxe", "script", firstScript(base));
  }

  /** @param query what the first script sends */
  async forMachine(query: URLSearchParams, client: string, base: string): Promise<Resource> {
    return text("machine.ipxe", "script", await this.#scriptFor(query, client, base));
  }

  async #scriptFor(query: URLSearchParams, client: string, base: string): Promise<string> {
    const { policy, machineStore } = this.#options;
    const said = machineFrom(query);
    if (said === undefined) return refusalScript("it does not say its hardware address");
    const owner = machineStore.ownerOf(client, { isSecret: true });
    if (owner !== undefined && owner !== said.mac && policy.distinguishesMachines) {
      this.#options.onImpostor(owner, said.mac);
      return refusalScript("another machine than it says it is has its address");
    }
    const decision = policy.decide(machineStore.learn({ ...said, ip: client, hasSaidAll: true }));
    const { cloudConfig, commandLine = "", hostname } = decision.settings;
    const machine = machineStore.learn({ mac: said.mac, hostname });
    if (decision.kind === "api") {
      const answer = await this.#options.api!.ask(machine.mac);
      return this.#scriptOfApi(answer, machine, decision, base);
    }
    this.#options.onScript(machine, decision, rolesToFetch(decision));
    if (decision.kind === "local") return diskScript();
    if (decision.kind !== "netboot") return refusalScript(decision.reasons.at(-1)!);
    const config = cloudConfig && this.#configAddress(cloudConfig, machine, base);
    const { release } = decision;
    // The system that iPXE starts may have another address, and another network card.
    const word = this.#options.tokens.signForFiles(machine);
    const url = `${base}/for/${word}${releasePath(release)}`;
    const first = Router.firstScriptAt(base);
    return bootScript({ release, url, first, cloudConfig: config, commandLine });
  }

  #scriptOfApi(answer: ApiAnswer, machine: Machine, decision: Decision, base: string): string {
    const { settings, reasons } = decision;
    if ("refusal" in answer) {
      const { refusal } = answer;
      const nothing = { kind: "unfit", settings, reasons: [...reasons, refusal] } as const;
      this.#options.onScript(machine, nothing, []);
      return refusalScript(refusal);
    }
    const { boot } = answer;
    this.#options.onScript(
      machine,
      decision,
      boot.initrds.length > 0 ? ["kernel", "initrd"] : ["kernel"],
    );
    return apiScript({
      boot,
      commandLine: settings.commandLine ?? "",
      addressOf: (url, use) => `${base}${this.#options.proxied!.pathOf(url, use)}`,
    });
  }

  /** Who has the address was given it: it holds who may read, and cannot be guessed. */
  #configAddress(config: CloudConfig, machine: Machine, base: string): string {
    if ("url" in config) return expandVariables(config.url, machine, encodeURIComponent);
    return `${base}/cloud-config/${this.#options.tokens.sign(machine)}`;
  }

  /**
   * The machine that was given the address of a file.
   * @param word what stands in it; undefined is returned where this server did not make that
   */
  machineOf(word: string): Machine | undefined {
    const said = this.#options.tokens.readForFiles(word);
    return said && this.#options.machineStore.recall(said);
  }

  /** @param word the last part of the address */
  cloudConfig(word: string, client: string): Resource {
    const said = this.#options.tokens.read(word);
    const machine = said && { ...said, hasSaidAll: true };
    const decision = machine && this.#options.policy.decideFetch(machine);
    const config = decision?.kind === "netboot" ? decision.settings.cloudConfig : undefined;
    if (machine === undefined || config === undefined || !("text" in config)) {
      const refusal = "This cloud-config is for another machine.\n";
      return { ...text("cloud-config", "cloud-config", refusal), status: 403 };
    }
    this.#options.machineStore.recall(machine);
    const hostname = decision?.settings.hostname ?? machine.hostname;
    const own = expandVariables(config.text, { ...machine, hostname, ip: client });
    const answer = text("cloud-config", "cloud-config", own);
    return { ...answer, type: "text/cloud-config", mac: machine.mac };
  }
}

function text(name: string, role: FileRole, content: string): Resource & { kind: "text" } {
  return { kind: "text", name, role, type: "text/plain", text: content };
}
