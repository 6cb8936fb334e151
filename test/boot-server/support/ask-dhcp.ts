/**
 * Runs in a network namespace: broadcasts DISCOVER messages from port 68 until each has its offers,
 * and prints the offers.
 *
 *     node ask-dhcp.js DISCOVERS.json
 *
 * Input: `[{ "message": HEX, "offers": COUNT }]`. Output: `[[HEX, …], …]`, in the same order.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** A server that does not answer one of so many messages, a second apart, never will. */
const maxRounds = 30;

interface Discover {
  readonly message: string;
  readonly offers: number;
}

const discovers: readonly Discover[] = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
/** The offers to each message, by server. */
const offers = discovers.map(() => new Map<string, string>());
const messages = discovers.map(({ message }, index) => {
  const bytes = Buffer.from(message, "hex");
  // The transaction identifies the message, and the hardware address makes it a separate machine.
  bytes.writeUInt32BE(index + 1, 4);
  bytes.writeUInt16BE(index + 1, 32);
  // Without the broadcast flag, a server sends the offer to an address that this socket lacks.
  bytes.writeUInt16BE(0x8000, 10);
  return bytes;
});
const isAnswered = (index: number) => (offers[index]?.size ?? 0) >= (discovers[index]?.offers ?? 0);

const socket = createSocket({ type: "udp4", reuseAddr: true }).bind(68);
await once(socket, "listening");
socket.setBroadcast(true);
let rounds = 0;
const send = () => {
  rounds += 1;
  if (rounds > maxRounds) {
    const missing = discovers.flatMap((_, index) => (isAnswered(index) ? [] : [index]));
    throw new Error(`messages ${missing.join(", ")} got too few offers`);
  }
  for (const [index, bytes] of messages.entries()) {
    if (!isAnswered(index)) socket.send(bytes, 67, "255.255.255.255");
  }
};
send();
const resend = setInterval(send, 1000);
socket.on("message", (bytes, { address }) => {
  offers[bytes.readUInt32BE(4) - 1]?.set(address, bytes.toString("hex"));
  if (!discovers.every((_, index) => isAnswered(index))) return;
  clearInterval(resend);
  socket.close();
  console.log(JSON.stringify(offers.map((each) => [...each.values()])));
});
