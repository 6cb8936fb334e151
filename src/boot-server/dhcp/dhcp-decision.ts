import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import type { FullQuestion } from "./dhcp-request.js";
import { type AddressRange, contains } from "./leases/address-range.js";
import type { Lease, LeasePool } from "./leases/lease-pool.js";
import type { Silence } from "./proxy-reply.js";

/** Milliseconds that an address is given to nobody after a client found it in use. */
export const declineTime = 10 * 60_000;

/** What a server that gives addresses answers, before it is written as a message. */
export type FullDecision =
  | {
      readonly kind: "offer";
      readonly address: string;
      /** False where somebody else may be using it, who has to be looked for. */
      readonly isHeld: boolean;
    }
  | {
      readonly kind: "ack";
      readonly lease: Lease;
      /** True for one that the client had, and has longer now. */
      readonly isRenewed: boolean;
    }
  /** To a client with an address of its own, which wants to know the rest. */
  | { readonly kind: "inform"; readonly address: string }
  | { readonly kind: "nak"; readonly reason: string }
  /** Nothing to be sent, but to be remembered. */
  | { readonly kind: "released"; readonly lease: Lease }
  | Silence;

export interface FullNetwork {
  readonly network: ServedAddress;
  readonly range: AddressRange;
}

/**
 * Decides as RFC 2131, sections 4.3.1 to 4.3.5, says for a server that is the only one in its
 * network, and has the pool remember it.
 */
export function decide(
  question: FullQuestion,
  pool: LeasePool,
  { network, range }: FullNetwork,
): FullDecision {
  const { kind, client, address, hostname } = question;
  switch (kind) {
    case "discover": {
      const offer = pool.offer(client, address);
      if (offer === undefined) return silence("all addresses of the range are taken", true);
      return { kind: "offer", ...offer };
    }
    case "selecting":
      return acknowledge(pool, question) ?? nak(address, "is not to be had");
    case "init-reboot":
      // A machine that was moved here; this is known also of one that was never seen.
      if (!isInNetwork(network, address!)) return nak(address, "is of another network");
      // Section 4.3.2: it may have its address of somebody else.
      if (pool.addressOf(client) === undefined) return silence("its address is not known here");
      if (pool.addressOf(client) !== address) return nak(address, "is not its own");
      return acknowledge(pool, question) ?? nak(address, "is not to be had");
    case "renewing":
      if (!isInNetwork(network, address!)) return nak(address, "is of another network");
      if (!contains(range, address!)) return silence("its address is not known here");
      // Also where the leases were lost: it uses its address, and nobody else was given that.
      return acknowledge(pool, question) ?? nak(address, "is another machine's");
    case "chose-other":
      pool.withdraw(client);
      return silence("it is meant for another server");
    case "decline":
      if (address === undefined || pool.addressOf(client) !== address) {
        return silence("it declines what it was not offered");
      }
      pool.setAside(address, declineTime);
      return silence(`it found ${address} in use by another machine`, true);
    case "release": {
      const lease = address === undefined ? undefined : pool.release(client, address);
      return lease === undefined
        ? silence("it releases what it does not have")
        : { kind: "released", lease };
    }
    case "inform":
      if (address === undefined || !isInNetwork(network, address)) {
        return silence("its address is of another network");
      }
      return { kind: "inform", address };
  }

  function acknowledge(from: LeasePool, asked: FullQuestion): FullDecision | undefined {
    const lease = from.lease(asked.client, asked.address!, hostname);
    return lease && { kind: "ack", lease, isRenewed: asked.kind === "renewing" };
  }
}

function nak(address: string | undefined, reason: string): FullDecision {
  return { kind: "nak", reason: `the address ${address} ${reason}` };
}

function silence(reason: string, isNotable = false): Silence {
  return { kind: "silence", reason, isNotable };
}
