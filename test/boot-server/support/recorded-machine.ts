import { type DhcpMessage, parseDhcp } from "../../../src/boot-server/dhcp/message.js";
import { type Datagram, datagramsOf } from "./capture.js";

/** The address of the boot server in the recordings. */
const server = "10.77.0.2";

export interface RecordedMessage extends Datagram {
  readonly message: DhcpMessage;
}

/** The messages that a recorded machine sent. */
export function sentByMachine(recording: string): RecordedMessage[] {
  return datagramsOf(recording)
    .filter(({ from, to }) => [68, 4011].includes(from.port) && [67, 4011].includes(to.port))
    .filter(({ from }) => from.address !== server)
    .map((datagram) => ({ ...datagram, message: parseDhcp(datagram.payload) }));
}
