/** DHCP options by their numbers (RFC 2132, RFC 3046, RFC 3004, RFC 4578). */
export const option = {
  hostName: 12,
  vendorSpecific: 43,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  vendorClass: 60,
  tftpServerName: 66,
  bootFileName: 67,
  userClass: 77,
  relayAgent: 82,
  clientArchitecture: 93,
  clientMachineIdentifier: 97,
  ipxe: 175,
} as const;

/** The message types of RFC 2132, section 9.6, that matter to a boot server. */
export const messageType = { discover: 1, offer: 2, request: 3, ack: 5, inform: 8 } as const;
