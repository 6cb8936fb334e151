import type { NetworkSettings } from "./dhcp-reply.js";
import type { AddressRange } from "./leases/address-range.js";

/** The validated settings of a DHCP server. */
export interface DhcpSettings extends NetworkSettings {
  readonly range: AddressRange;
  /** Addresses of the range that the server never gives out. */
  readonly excluded: readonly string[];
  /** The path of the lease file. */
  readonly leasesPath: string;
  /** True to serve even if another DHCP server answers. */
  readonly allowOtherServers: boolean;
  readonly discoveryTimeoutMs: number | undefined;
}
