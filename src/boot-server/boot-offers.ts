import type { BootChoice } from "./dhcp/boot-choice.js";
import type { BootClient } from "./dhcp/boot-client.js";
import { Router } from "./http/router.js";
import type { BootApi } from "./machines/boot-api.js";
import type { BootPolicy, Decision } from "./machines/boot-policy.js";
import type { MachineStore } from "./machines/machine-store.js";
import { type BootPrograms, canRun } from "./releases/boot-programs.js";

export interface BootOffersOptions {
  readonly policy: BootPolicy;
  readonly machineStore: MachineStore;
  readonly programs: BootPrograms;
  /** Undefined where no rule asks one. */
  readonly api?: BootApi | undefined;
}

/** What a machine that asks by DHCP is offered. */
export class BootOffers {
  readonly #options: BootOffersOptions;

  constructor(options: BootOffersOptions) {
    this.#options = options;
  }

  /** @param base `http://ADDRESS:PORT` as the machine can reach it */
  choose(client: BootClient, base: string): BootChoice | Promise<BootChoice> {
    const { isIpxe, architecture, architectureType } = client;
    if (architecture === undefined) {
      return { refusal: `Its architecture (${architectureType ?? "none"}) is not known.` };
    }
    const decision = this.#decide(client);
    if (decision.kind === "local") {
      // iPXE takes no menu; its script tells it.
      return isIpxe
        ? { bootFile: Router.firstScriptAt(base) }
        : { disk: true, missingUrl: Router.nothingAt(base) };
    }
    if (decision.kind === "api") return this.#chooseByApi(client, decision, base);
    if (decision.kind !== "netboot" && decision.kind !== "unsettled") {
      return { refusal: decision.reasons.at(-1)! };
    }
    return this.#beginning(client, decision, base);
  }

  async #chooseByApi(client: BootClient, decision: Decision, base: string): Promise<BootChoice> {
    const answer = await this.#options.api!.askCached(client.mac);
    return "refusal" in answer ? answer : this.#beginning(client, decision, base);
  }

  #beginning(client: BootClient, decision: Decision, base: string): BootChoice {
    const { isIpxe } = client;
    return isIpxe
      ? { bootFile: Router.firstScriptAt(base) }
      : this.#program(client, decision, base);
  }

  #decide({ mac, uuid, architecture }: BootClient): Decision {
    const { policy, machineStore } = this.#options;
    return policy.decide(machineStore.learn({ mac, uuid, architecture }));
  }

  #program(client: BootClient, { settings }: Decision, base: string): BootChoice {
    const { architecture, firmware } = client;
    const { bootProgram: own } = settings;
    const isOwn = own !== undefined && canRun(firmware, own);
    const program = isOwn ? own : this.#options.programs.for(client);
    if (program === undefined) {
      return { refusal: `There is no iPXE for ${architecture} with ${firmware} (--ipxe-dir).` };
    }
    const { name } = program;
    const bootFile = client.protocol === "http" ? Router.programAt(base, name) : name;
    return { bootFile, style: settings.offerStyle };
  }
}
