import type { BootClient } from "./dhcp/boot-client.js";
import type { BootChoice } from "./dhcp/proxy-reply.js";
import { Site } from "./http/router.js";
import type { BootApi } from "./machines/boot-api.js";
import type { Decision, MachinePolicy } from "./machines/boot-policy.js";
import type { Roster } from "./machines/machine-store.js";
import { type BootPrograms, isRunBy } from "./releases/boot-programs.js";

export interface OffersOptions {
  readonly policy: MachinePolicy;
  readonly roster: Roster;
  readonly programs: BootPrograms;
  /** Undefined where no rule asks one. */
  readonly api?: BootApi | undefined;
}

/** What a machine that asks by DHCP is offered. */
export class Offers {
  readonly #options: OffersOptions;

  constructor(options: OffersOptions) {
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
        ? { bootFile: Site.firstScriptAt(base) }
        : { disk: true, nothingAt: Site.nothingAt(base) };
    }
    if (decision.kind === "api") return this.#chooseByApi(client, decision, base);
    if (decision.kind !== "netboot" && decision.kind !== "unsettled") {
      return { refusal: decision.reasons.at(-1)! };
    }
    return this.#beginning(client, decision, base);
  }

  async #chooseByApi(client: BootClient, decision: Decision, base: string): Promise<BootChoice> {
    const answer = await this.#options.api!.askLately(client.mac);
    return "refusal" in answer ? answer : this.#beginning(client, decision, base);
  }

  #beginning(client: BootClient, decision: Decision, base: string): BootChoice {
    const { isIpxe } = client;
    return isIpxe ? { bootFile: Site.firstScriptAt(base) } : this.#program(client, decision, base);
  }

  #decide({ mac, uuid, architecture }: BootClient): Decision {
    const { policy, roster } = this.#options;
    return policy.decide(roster.learn({ mac, uuid, architecture }));
  }

  #program(client: BootClient, { treatment }: Decision, base: string): BootChoice {
    const { architecture, firmware } = client;
    const { bootProgram: own } = treatment;
    const isOwn = own !== undefined && isRunBy(firmware, own);
    const program = isOwn ? own : this.#options.programs.for(client);
    if (program === undefined) {
      return { refusal: `There is no iPXE for ${architecture} with ${firmware} (--ipxe-dir).` };
    }
    const { name } = program;
    const bootFile = client.protocol === "http" ? Site.programAt(base, name) : name;
    return { bootFile, style: treatment.offerStyle };
  }
}
