import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import type { DhcpRequest } from "./dhcp-request.js";
import { type AddressRange, contains } from "./leases/address-range.js";
import type { Lease, LeasePool } from "./leases/lease-pool.js";
import type { NoReply } from "./proxy-reply.js";

/** Milliseconds that an address is given to nobody after a client found it in use. */
export const declineHoldMs = 10 * 60_000;

/** What a server that gives addresses answers, before it is written as a message. */
export type DhcpDecision =
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
  | NoReply;

export interface LeasedNetwork {
  readonly network: ServedAddress;
  readonly range: AddressRange;
}

/**
 * Decides as RFC 2131, sections 4.3.1 to 4.3.5, says for a server that is the only one in its
 * network, and has the pool remember it.
 */
export function decide(
  question: DhcpRequest,
  pool: LeasePool,
  { network, range }: LeasedNetwork,
): DhcpDecision {
  const { kind, client, address, hostname } = question;
  switch (kind) {
    case "discover": {
      const offer = pool.offer(client, address);
      if (offer === undefined) return noReply("all addresses of the range are taken", true);
      return { kind: "offer", ...offer };
    }
    case "selecting":
      return acknowledge(pool, question) ?? nak(address, "is not to be had");
    case "init-reboot":
      // A machine that was moved here; this is known also of one that was never seen.
      if (!isInNetwork(network, address!)) return nak(address, "is of another network");
      // Section 4.3.2: it may have its address of somebody else.
      if (pool.addressOf(client) === undefined) return noReply("its address is not known here");
      if (pool.addressOf(client) !== address) return nak(address, "is not its own");
      return acknowledge(pool, question) ?? nak(address, "is not to be had");
    case "renewing":
      if (!isInNetwork(network, address!)) return nak(address, "is of another network");
      if (!contains(range, address!)) return noReply("its address is not known here");
      // Also where the leases were lost: it uses its address, and nobody else was given that.
      return acknowledge(pool, question) ?? nak(address, "is another machine's");
    case "chose-other":
      pool.withdraw(client);
      return noReply("it is meant for another server");
    case "decline":
      if (address === undefined || pool.addressOf(client) !== address) {
        return noReply("it declines what it was not offered");
      }
      pool.setAside(address, declineHoldMs);
      return noReply(`it found ${address} in use by another machine`, true);
    case "release": {
      const lease = address === undefined ? undefined : pool.release(client, address);
      return lease === undefined
        ? noReply("it releases what it does not have")
        : { kind: "released", lease };
    }
    case "inform":
      if (address === undefined || !isInNetwork(network, address)) {
        return noReply("its address is of another network");
      }
      return { kind: "inform", address };
  }

  function acknowledge(from: LeasePool, asked: DhcpRequest): DhcpDecision | undefined {
    const lease = from.lease(asked.client, asked.address!, hostname);
    return lease && { kind: "ack", lease, isRenewed: asked.kind === "renewing" };
  }
}

function nak(address: string | undefined, reason: string): DhcpDecision {
  return { kind: "nak", reason: `the address ${address} ${reason}` };
}

function noReply(reason: string, isNotable = false): NoReply {
  return { kind: "no-reply", reason, isNotable };
}
