import type { FileRole } from "../files/served-file.js";
import type { ApiBoot } from "../machines/api-answer.js";
import type { BootApi } from "../machines/boot-api.js";
import { type BootPolicy, type Decision, rolesToFetch } from "../machines/boot-policy.js";
import { expandVariables } from "../machines/cloud-config-template.js";
import type { Machine } from "../machines/machine.js";
import { factsFromIpxe } from "../machines/machine-facts.js";
import type { MachineStore } from "../machines/machine-store.js";
import type { MachineTokens } from "../machines/machine-token.js";
import type { CloudConfig } from "../machines/rules.js";
import { releasePath } from "../releases/release-urls.js";
import { apiScript } from "./api-script.js";
import { bootScript, diskScript, firstScript, refusalScript } from "./ipxe-scripts.js";
import type { ProxiedFiles } from "./proxied-files.js";
import type { TextResource } from "./resource.js";
import { cloudConfigUrl, firstScriptUrl, urlForMachine } from "./urls.js";

export interface BootScriptsOptions {
  readonly policy: BootPolicy;
  readonly machineStore: MachineStore;
  readonly tokens: MachineTokens;
  /** Undefined if no boot API is configured. */
  readonly api?: BootApi | undefined;
  readonly proxied: ProxiedFiles;
  /** A machine got a script, and has to fetch files of these roles. */
  onScript(machine: Machine, decision: Decision, awaited: readonly FileRole[]): void;
  /** The server refused a machine that claimed another machine's MAC address. */
  onImpostor(mac: string, claimedMac: string): void;
}

/** Makes the scripts that iPXE runs, and the cloud-configs that these name. */
export class BootScripts {
  readonly #options: BootScriptsOptions;

  constructor(options: BootScriptsOptions) {
    this.#options = options;
  }

  first(base: string): TextResource {
    return textOf("boot.ipxe", "script", firstScript(base));
  }

  /** @param query what the first script reports */
  async forMachine(query: URLSearchParams, client: string, base: string): Promise<TextResource> {
    return textOf("machine.ipxe", "script", await this.#scriptFor(query, client, base));
  }

  async #scriptFor(query: URLSearchParams, client: string, base: string): Promise<string> {
    const { policy, machineStore, api } = this.#options;
    const { mac, ...facts } = factsFromIpxe(query);
    if (mac === undefined) return refusalScript("it did not report its MAC address");
    const owner = machineStore.ownerOf(client, { isSecret: true });
    if (owner !== undefined && owner !== mac && policy.distinguishesMachines) {
      this.#options.onImpostor(owner, mac);
      return refusalScript("its IP address belongs to another MAC address");
    }
    const reported = machineStore.learn({ mac, ...facts, ip: client, isFullyKnown: true });
    const decision = policy.decide(reported);
    const machine = machineStore.learn({ mac, hostname: decision.settings.hostname });
    if (decision.kind === "api" && api !== undefined) {
      const answer = await api.ask(mac);
      return "refusal" in answer
        ? this.#apiRefusal(answer.refusal, machine, decision)
        : this.#apiScript(answer.boot, machine, decision, base);
    }
    this.#options.onScript(machine, decision, rolesToFetch(decision));
    if (decision.kind === "local") return diskScript();
    if (decision.kind === "netboot") return this.#releaseScript(decision, machine, base);
    return refusalScript(decision.reasons.at(-1) ?? "");
  }

  #releaseScript(
    { release, settings }: Extract<Decision, { kind: "netboot" }>,
    machine: Machine,
    base: string,
  ): string {
    const { cloudConfig, commandLine = "" } = settings;
    // The system that iPXE starts may have another IP address, and use another network card.
    const token = this.#options.tokens.createForFiles(machine);
    return bootScript({
      release,
      url: urlForMachine(base, token, releasePath(release)),
      firstScriptUrl: firstScriptUrl(base),
      cloudConfigUrl: cloudConfig && this.#cloudConfigUrl(cloudConfig, machine, base),
      commandLine,
    });
  }

  #apiRefusal(refusal: string, machine: Machine, { settings, reasons }: Decision): string {
    const unfit = { kind: "unfit", settings, reasons: [...reasons, refusal] } as const;
    this.#options.onScript(machine, unfit, []);
    return refusalScript(refusal);
  }

  #apiScript(boot: ApiBoot, machine: Machine, decision: Decision, base: string): string {
    const awaited: readonly FileRole[] =
      boot.initrds.length > 0 ? ["kernel", "initrd"] : ["kernel"];
    this.#options.onScript(machine, decision, awaited);
    return apiScript({
      boot,
      commandLine: decision.settings.commandLine ?? "",
      proxyUrl: (url, use) => `${base}${this.#options.proxied.pathOf(url, use)}`,
    });
  }

  /** Only the machine that was given the URL can know it: the token in it cannot be guessed. */
  #cloudConfigUrl(config: CloudConfig, machine: Machine, base: string): string {
    if ("url" in config) return expandVariables(config.url, machine, encodeURIComponent);
    return cloudConfigUrl(base, this.#options.tokens.create(machine));
  }

  /**
   * The machine that was given a URL.
   * @param token in the URL
   * @returns undefined for a token that this server did not make
   */
  machineOf(token: string): Machine | undefined {
    const machine = this.#options.tokens.readForFiles(token);
    return machine && this.#options.machineStore.recall(machine);
  }

  /** @param token the last part of the URL */
  cloudConfig(token: string, client: string): TextResource {
    const { tokens, policy, machineStore } = this.#options;
    const known = tokens.read(token);
    const machine = known && { ...known, isFullyKnown: true };
    const decision = machine && policy.decideFetch(machine);
    const config = decision?.kind === "netboot" ? decision.settings.cloudConfig : undefined;
    if (machine === undefined || config === undefined || !("text" in config)) {
      const refusal = "This cloud-config is for another machine.\n";
      return { ...textOf("cloud-config", "cloud-config", refusal), status: 403 };
    }
    machineStore.recall(machine);
    const hostname = decision?.settings.hostname ?? machine.hostname;
    const text = expandVariables(config.text, { ...machine, hostname, ip: client });
    const resource = textOf("cloud-config", "cloud-config", text);
    return { ...resource, type: "text/cloud-config", mac: machine.mac };
  }
}

function textOf(name: string, role: FileRole, text: string): TextResource {
  return { kind: "text", name, role, type: "text/plain", text };
}
