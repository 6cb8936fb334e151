import type { OfferStyle } from "../machines/offer-style.js";
import type { BootClient } from "./boot-client.js";

/** What a client boots: a TFTP file name or a URL, its local disk, or nothing. */
export type BootChoice =
  | {
      readonly bootFile: string;
      /** Set if the machine's firmware is known to accept only this style. */
      readonly style?: OfferStyle | undefined;
    }
  /** `missingUrl` is a URL that the server answers with 404; see `bootFileFor`. */
  | { readonly disk: true; readonly missingUrl: string }
  | { readonly refusal: string };

export type AcceptedBootChoice = Exclude<BootChoice, { refusal: string }>;

/** Decides what each client boots and how it is told. */
export interface BootChooser {
  /** @param server the address of this server that the client can reach */
  choose(client: BootClient, server: string): BootChoice | Promise<BootChoice>;
  /** Called exactly once per offer, because it counts unanswered offers. */
  styleFor(client: BootClient): OfferStyle;
}

/**
 * True if the client must ask again on port 4011. iPXE always takes the boot file from the offer, and
 * HTTP Boot does not know that port.
 * @param styleFor called only if the style matters and the choice does not fix it
 */
export function usesPort4011(
  client: BootClient,
  choice: AcceptedBootChoice,
  styleFor: BootChooser["styleFor"],
): boolean {
  if ("disk" in choice || client.protocol !== "pxe" || client.isIpxe) return false;
  return (choice.style ?? styleFor(client)) === "port-4011";
}

/**
 * The boot file to name in the reply. A machine that boots from its disk gets a PXE menu instead, but
 * HTTP Boot has no menus: it goes on to the disk quickly after a 404, whereas without an answer it
 * keeps asking for a minute.
 */
export function bootFileFor(
  choice: AcceptedBootChoice,
  { protocol }: BootClient,
): string | undefined {
  if (!("disk" in choice)) return choice.bootFile;
  return protocol === "http" ? choice.missingUrl : undefined;
}
