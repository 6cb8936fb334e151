/**
 * Every DHCP option that the program reads or writes: its code, its name as Wireshark shows it, and
 * the document that defines it. A new option is a new row.
 */
export const dhcpOptions = {
  subnetMask: { code: 1, name: "Subnet Mask", source: "RFC 2132, section 3.3" },
  router: { code: 3, name: "Router", source: "RFC 2132, section 3.5" },
  domainNameServer: { code: 6, name: "Domain Name Server", source: "RFC 2132, section 3.8" },
  hostName: { code: 12, name: "Host Name", source: "RFC 2132, section 3.14" },
  broadcastAddress: { code: 28, name: "Broadcast Address", source: "RFC 2132, section 5.3" },
  vendorSpecific: {
    code: 43,
    name: "Vendor-Specific Information",
    source: "RFC 2132, section 8.4, and PXE 2.1, table 2-1",
  },
  requestedAddress: { code: 50, name: "Requested IP Address", source: "RFC 2132, section 9.1" },
  leaseTime: { code: 51, name: "IP Address Lease Time", source: "RFC 2132, section 9.2" },
  overload: { code: 52, name: "Option Overload", source: "RFC 2132, section 9.3" },
  messageType: { code: 53, name: "DHCP Message Type", source: "RFC 2132, section 9.6" },
  serverIdentifier: { code: 54, name: "DHCP Server Identifier", source: "RFC 2132, section 9.7" },
  parameterRequestList: {
    code: 55,
    name: "Parameter Request List",
    source: "RFC 2132, section 9.8",
  },
  message: { code: 56, name: "Message", source: "RFC 2132, section 9.9" },
  renewalTime: { code: 58, name: "Renewal Time Value", source: "RFC 2132, section 9.11" },
  rebindingTime: { code: 59, name: "Rebinding Time Value", source: "RFC 2132, section 9.12" },
  vendorClass: { code: 60, name: "Vendor class identifier", source: "RFC 2132, section 9.13" },
  clientIdentifier: { code: 61, name: "Client identifier", source: "RFC 2132, section 9.14" },
  tftpServerName: { code: 66, name: "TFTP Server Name", source: "RFC 2132, section 9.4" },
  bootFileName: { code: 67, name: "Bootfile name", source: "RFC 2132, section 9.5" },
  userClass: { code: 77, name: "User Class Information", source: "RFC 3004" },
  relayAgent: { code: 82, name: "Agent Information Option", source: "RFC 3046" },
  clientArchitecture: {
    code: 93,
    name: "Client System Architecture",
    source: "RFC 4578, section 2.1",
  },
  clientMachineIdentifier: {
    code: 97,
    name: "UUID/GUID-based Client Identifier",
    source: "RFC 4578, section 2.3",
  },
  ipxe: { code: 175, name: "Etherboot", source: "ipxe.org/howto/dhcpd" },
} as const satisfies Record<string, DhcpOption>;

interface DhcpOption {
  readonly code: number;
  readonly name: string;
  readonly source: string;
}

type OptionCodes = {
  readonly [Key in keyof typeof dhcpOptions]: (typeof dhcpOptions)[Key]["code"];
};

/** The codes alone: a map lookup by a constant, for code that runs for every packet. */
export const optionCode = Object.fromEntries(
  Object.entries(dhcpOptions).map(([key, { code }]) => [key, code]),
) as OptionCodes;

const namesByCode: ReadonlyMap<number, string> = new Map(
  Object.values(dhcpOptions).map(({ code, name }) => [code, name]),
);

/** For messages: `option 97 (UUID/GUID-based Client Identifier)`, or `option 200`. */
export function describeOption(code: number): string {
  const name = namesByCode.get(code);
  return name === undefined ? `option ${code}` : `option ${code} (${name})`;
}

/** The options inside option 175 (iPXE's `src/include/ipxe/dhcp.h`). */
export const ipxeSubOption = { priority: 1, http: 19 } as const;

/** The DHCP message types (RFC 2132, section 9.6). */
export const messageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;
