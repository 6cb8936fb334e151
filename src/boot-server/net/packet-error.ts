/** A datagram that is not what its port is for; the message says why. */
export class PacketError extends Error {}
