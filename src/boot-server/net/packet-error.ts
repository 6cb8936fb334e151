/** A malformed or unexpected datagram; the message says what is wrong with it. */
export class PacketError extends Error {}
