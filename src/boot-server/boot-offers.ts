import type { BootChoice } from "./dhcp/boot-choice.js";
import type { BootClient } from "./dhcp/boot-client.js";
import { firstScriptUrl, missingFileUrl, programUrl } from "./http/urls.js";
import type { BootApi } from "./machines/boot-api.js";
import type { BootPolicy, Decision } from "./machines/boot-policy.js";
import type { MachineStore } from "./machines/machine-store.js";
import { type BootPrograms, canRun } from "./releases/boot-programs.js";

export interface BootOffersOptions {
  readonly policy: BootPolicy;
  readonly machineStore: MachineStore;
  readonly programs: BootPrograms;
  /** Undefined if no boot API is configured. */
  readonly api?: BootApi | undefined;
}

/** Chooses what DHCP offers to a machine. */
export class BootOffers {
  readonly #options: BootOffersOptions;

  constructor(options: BootOffersOptions) {
    this.#options = options;
  }

  /** @param base `http://ADDRESS:PORT` as the machine reaches it */
  choose(client: BootClient, base: string): BootChoice | Promise<BootChoice> {
    const { policy, machineStore, api } = this.#options;
    const { runsScripts, architecture, architectureType } = client;
    if (architecture === undefined) {
      return { refusal: `Its architecture (${architectureType ?? "none"}) is unknown.` };
    }
    const decision = policy.decide(machineStore.learn(client));
    switch (decision.kind) {
      case "local":
        // iPXE does not support the menu; its script sends the machine to the disk.
        return runsScripts
          ? { bootFile: firstScriptUrl(base) }
          : { disk: true, missingUrl: missingFileUrl(base) };
      case "api":
        return this.#chooseByApi(client, decision, base, api);
      case "netboot":
      case "unsettled":
        return this.#firstFile(client, decision, base);
      case "deny":
      case "unfit":
        return { refusal: decision.reasons.at(-1) ?? "" };
    }
  }

  async #chooseByApi(
    client: BootClient,
    decision: Decision,
    base: string,
    api: BootApi | undefined,
  ): Promise<BootChoice> {
    const answer = await api?.askCached(client.mac);
    if (answer !== undefined && "refusal" in answer) return answer;
    return this.#firstFile(client, decision, base);
  }

  #firstFile(client: BootClient, { settings }: Decision, base: string): BootChoice {
    if (client.runsScripts) return { bootFile: firstScriptUrl(base) };
    const { architecture, firmware, protocol } = client;
    const { bootProgram, offerStyle } = settings;
    const program =
      bootProgram !== undefined && canRun(firmware, bootProgram)
        ? bootProgram
        : this.#options.programs.programFor(client);
    if (program === undefined) {
      return { refusal: `There is no iPXE for ${architecture} with ${firmware} (--ipxe-dir).` };
    }
    const { name } = program;
    return { bootFile: protocol === "http" ? programUrl(base, name) : name, style: offerStyle };
  }
}
