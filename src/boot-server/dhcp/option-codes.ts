/** DHCP options by their numbers (RFC 2132, RFC 3046, RFC 3004, RFC 4578). */
export const option = {
  subnetMask: 1,
  router: 3,
  domainNameServer: 6,
  hostName: 12,
  broadcastAddress: 28,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  message: 56,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientIdentifier: 61,
  tftpServerName: 66,
  bootFileName: 67,
  userClass: 77,
  relayAgent: 82,
  clientArchitecture: 93,
  clientMachineIdentifier: 97,
  ipxe: 175,
} as const;

/** The message types of RFC 2132, section 9.6. */
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
