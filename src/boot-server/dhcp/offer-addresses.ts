import { isInNetwork, type ServedAddress } from "../net/interfaces.js";

/**
 * The address to name in offers, for each interface. A machine hears all offers on its wire, and takes
 * the first or the last of them, so an interface with several addresses must send only one.
 */
export class OfferAddresses {
  readonly #addresses: readonly ServedAddress[];
  /** Addresses that DHCP servers assign, by interface. */
  readonly #assigned = new Map<string, string>();

  constructor(addresses: readonly ServedAddress[]) {
    this.#addresses = addresses;
  }

  /** Prefers the address in the network that the DHCP server of an interface assigns addresses of. */
  learnAssigned(interfaceName: string, address: string): void {
    this.#assigned.set(interfaceName, address);
  }

  /** One address per interface; a link-local one only if there is no other. */
  get current(): ServedAddress[] {
    const names = [...new Set(this.#addresses.map((it) => it.interface))];
    return names.flatMap((name) => {
      const own = this.#addresses.filter((it) => it.interface === name);
      const assigned = this.#assigned.get(name);
      const near = own.filter((it) => assigned !== undefined && isInNetwork(it, assigned));
      const [chosen] = [...near, ...own.filter((it) => !isLinkLocal(it)), ...own];
      return chosen ?? [];
    });
  }
}

/** RFC 3927. */
function isLinkLocal({ address }: ServedAddress): boolean {
  return address.startsWith("169.254.");
}
