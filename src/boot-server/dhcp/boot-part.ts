import { LruMap } from "../../support/index.js";
import type { OfferStyle } from "../machines/offer-style.js";
import { type BootChooser, bootFileFor, usesPort4011 } from "./boot-choice.js";
import { type BootClient, readBootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import type { BootReply } from "./proxy-reply.js";
import {
  type BootFields,
  bootFields,
  bootFromOffer,
  localBootMenu,
  noBootFields,
} from "./pxe-fields.js";

/** Number of machines whose offer style is remembered. */
const maxMachines = 10_000;

/** The part of a DHCP reply that says what to boot. */
export interface BootPart {
  readonly fields: BootFields;
  /** The boot file for the machine; undefined if the reply does not mention booting. */
  readonly offered?: Pick<BootReply, "client" | "bootFile">;
  /** Why a machine that asked to boot is told nothing. */
  readonly refusal?: string;
}

/** Builds the boot part of the replies that give addresses. */
export class BootPartBuilder {
  readonly #server: string;
  readonly #chooser: BootChooser;
  /** The style of each machine's last offer: the acknowledgement must repeat it. */
  readonly #styles = new LruMap<string, OfferStyle>(maxMachines);

  /** @param server the address of this server */
  constructor(server: string, chooser: BootChooser) {
    this.#server = server;
    this.#chooser = chooser;
  }

  forOffer(request: DhcpMessage): Promise<BootPart> {
    return this.#build(request, (client) => {
      const style = this.#chooser.styleFor(client);
      this.#styles.put(client.mac, style);
      return style;
    });
  }

  forAcknowledgement(request: DhcpMessage): Promise<BootPart> {
    return this.#build(request, ({ mac }) => this.#styles.get(mac) ?? "direct");
  }

  forInform(request: DhcpMessage): Promise<BootPart> {
    return this.#build(request, () => "direct");
  }

  /** A machine that is refused or does not ask to boot still gets an address, without boot fields. */
  async #build(request: DhcpMessage, styleFor: BootChooser["styleFor"]): Promise<BootPart> {
    const client = readBootClient(request);
    if (!("mac" in client)) {
      return { fields: noBootFields, ...(client.isNotable ? { refusal: client.reason } : {}) };
    }
    const choice = await this.#chooser.choose(client, this.#server);
    if ("refusal" in choice) return { fields: noBootFields, refusal: choice.refusal };
    const offered = { client, bootFile: "disk" in choice ? undefined : choice.bootFile };
    const common: FieldContext = { client, request, server: this.#server };
    if (usesPort4011(client, choice, styleFor)) {
      return {
        fields: bootFields({ ...common, bootFile: undefined, vendorSpecific: [] }),
        offered,
      };
    }
    const bootFile = bootFileFor(choice, client);
    const vendorSpecific = ["disk" in choice ? localBootMenu : bootFromOffer];
    return { fields: bootFields({ ...common, bootFile, vendorSpecific }), offered };
  }
}

interface FieldContext {
  readonly client: BootClient;
  readonly request: DhcpMessage;
  readonly server: string;
}
