import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import type { DhcpRequest } from "./dhcp-request.js";
import { conflictHoldMs } from "./leases/address-allocator.js";
import { type AddressRange, contains } from "./leases/address-range.js";
import type { Lease, LeasePool } from "./leases/lease-pool.js";
import { type NoReply, noReply } from "./no-reply.js";

/** The action that a DHCP server takes for a request, before it becomes a message. */
export type DhcpDecision =
  | {
      readonly kind: "offer";
      readonly address: string;
      /** False if another machine may use the address, so that the server must probe it. */
      readonly isHeld: boolean;
    }
  | {
      readonly kind: "ack";
      readonly lease: Lease;
      /** True if the client extends the lease that it has. */
      readonly isRenewed: boolean;
    }
  /** For a client that has an address and asks for the other parameters. */
  | { readonly kind: "inform"; readonly address: string }
  | { readonly kind: "nak"; readonly reason: string }
  /** Nothing to send, but a lease to record. */
  | { readonly kind: "released"; readonly lease: Lease }
  | NoReply;

/** A network, and the part of it that the server leases. */
export interface LeasedNetwork {
  readonly network: ServedAddress;
  readonly range: AddressRange;
}

/**
 * Decides according to RFC 2131, sections 4.3.1 to 4.3.5, for the only DHCP server of a network, and
 * updates the pool.
 */
export function decide(
  request: DhcpRequest,
  pool: LeasePool,
  { network, range }: LeasedNetwork,
): DhcpDecision {
  const { client, address } = request;
  switch (request.kind) {
    case "discover": {
      const offer = pool.offer(client, address);
      if (offer === undefined) return noReply("all addresses of the range are in use", true);
      return { kind: "offer", ...offer };
    }
    case "selecting":
      return grant(request, pool) ?? nak(request.address, "is not available");
    case "init-reboot":
      // The machine has moved to this network. This also applies to machines never seen before.
      if (!isInNetwork(network, request.address))
        return nak(request.address, "is in another network");
      // Section 4.3.2: another server may have given the address.
      if (pool.addressOf(client) === undefined) return noReply("its address is not known here");
      if (pool.addressOf(client) !== address) return nak(request.address, "is not its own");
      return grant(request, pool) ?? nak(request.address, "is not available");
    case "renewing":
      if (!isInNetwork(network, request.address))
        return nak(request.address, "is in another network");
      if (!contains(range, request.address)) return noReply("its address is not known here");
      // Grant this even if the leases were lost: the client uses the address, and no other has it.
      return grant(request, pool) ?? nak(request.address, "belongs to another machine");
    case "selected-other":
      pool.withdraw(client);
      return noReply("it is meant for another server");
    case "decline":
      if (address === undefined || pool.addressOf(client) !== address) {
        return noReply("it declines an address that it was not offered");
      }
      pool.hold(address, conflictHoldMs);
      return noReply(`another machine uses ${address}`, true);
    case "release": {
      const lease = address === undefined ? undefined : pool.release(client, address);
      return lease === undefined
        ? noReply("it releases an address that it does not have")
        : { kind: "released", lease };
    }
    case "inform":
      if (address === undefined || !isInNetwork(network, address)) {
        return noReply("its address is in another network");
      }
      return { kind: "inform", address };
  }
}

function grant(
  {
    kind,
    client,
    address,
    hostname,
  }: Extract<DhcpRequest, { kind: "selecting" | "init-reboot" | "renewing" }>,
  pool: LeasePool,
): DhcpDecision | undefined {
  const lease = pool.lease(client, address, hostname);
  return lease && { kind: "ack", lease, isRenewed: kind === "renewing" };
}

function nak(address: string, reason: string): DhcpDecision {
  return { kind: "nak", reason: `the address ${address} ${reason}` };
}
