import { expandVariables } from "../machines/cloud-config.js";
import type { Machine } from "../machines/machine.js";
import type { Decision, MachinePolicy } from "../machines/policy.js";
import type { Roster } from "../machines/roster.js";
import type { CloudConfig } from "../machines/rules.js";
import type { MachineSigner } from "../machines/signed-machine.js";
import type { Release, Role } from "../releases.js";
import { bootScript, diskScript, firstScript, machineFrom, refusalScript } from "./scripts.js";
import type { Resource } from "./server.js";

export interface BootScriptsOptions {
  readonly policy: MachinePolicy;
  readonly roster: Roster;
  readonly signer: MachineSigner;
  /** Path of a release's files, without a slash at the end. */
  placeOf(release: Release): string;
  /** A machine was given a script. */
  onScript(machine: Machine, decision: Decision, isServedConfig: boolean): void;
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
  forMachine(query: URLSearchParams, client: string, base: string): Resource {
    return text("machine.ipxe", "script", this.#scriptFor(query, client, base));
  }

  #scriptFor(query: URLSearchParams, client: string, base: string): string {
    const { policy, roster } = this.#options;
    const said = machineFrom(query);
    if (said === undefined) return refusalScript("it does not say its hardware address");
    const decision = policy.decide(roster.learn({ ...said, ip: client }));
    const { cloudConfig, commandLine = "", hostname } = decision.treatment;
    const machine = roster.learn({ mac: said.mac, hostname });
    const isServedConfig = cloudConfig !== undefined && "text" in cloudConfig;
    this.#options.onScript(machine, decision, decision.kind === "netboot" && isServedConfig);
    if (decision.kind === "local") return diskScript();
    if (decision.kind !== "netboot") return refusalScript(decision.reasons.at(-1)!);
    if (cloudConfig !== undefined && !roster.isPlausible(machine)) {
      return refusalScript("another machine than it says it is has its address");
    }
    const config = cloudConfig && this.#configAddress(cloudConfig, machine, base);
    const { release } = decision;
    const url = `${base}${this.#options.placeOf(release)}`;
    return bootScript({ release, url, cloudConfig: config, commandLine });
  }

  /** Who has the address was given it: it holds who may read, and cannot be guessed. */
  #configAddress(config: CloudConfig, machine: Machine, base: string): string {
    if ("url" in config) return expandVariables(config.url, machine, encodeURIComponent);
    return `${base}/cloud-config/${this.#options.signer.sign(machine)}`;
  }

  /** @param word the last part of the address */
  cloudConfig(word: string, client: string): Resource {
    const machine = this.#options.signer.read(word);
    // It may have begun to boot before it was to boot once only.
    const decision = machine && this.#options.policy.decide(machine, { isUnderWay: true });
    const config = decision?.kind === "netboot" ? decision.treatment.cloudConfig : undefined;
    if (machine === undefined || config === undefined || !("text" in config)) {
      const refusal = "This cloud-config is for another machine.\n";
      return { ...text("cloud-config", "cloud-config", refusal), status: 403 };
    }
    const hostname = decision?.treatment.hostname ?? machine.hostname;
    const own = expandVariables(config.text, { ...machine, hostname, ip: client });
    return { ...text("cloud-config", "cloud-config", own), type: "text/cloud-config" };
  }
}

function text(name: string, role: Role, content: string): Resource & { kind: "text" } {
  return { kind: "text", name, role, type: "text/plain", text: content };
}
