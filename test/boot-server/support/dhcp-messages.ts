import type { DhcpMessage } from "../../../src/boot-server/dhcp/message.js";

/** The network of the crafted messages: the server's address and its interface. */
export const server = "10.77.0.2";
export const network = { interface: "eth0", address: server, netmask: "255.255.255.0" };
export const [mine, other] = ["52:54:00:00:00:01", "52:54:00:00:00:02"] as const;
const types = { discover: 1, request: 3, decline: 4, release: 7, inform: 8 } as const;

export interface CraftedMessage {
  readonly type: keyof typeof types | undefined;
  readonly mac?: string;
  /** Option 50. */
  readonly requested?: string;
  /** Option 54. */
  readonly server?: string;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  readonly broadcast?: boolean;
  readonly options?: Readonly<Record<number, Buffer>>;
}

function bytesOf(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

/** A message that a client sends. */
export function messageOf(sent: CraftedMessage): DhcpMessage {
  const options = new Map<number, Buffer>();
  if (sent.type !== undefined) options.set(53, Buffer.from([types[sent.type]]));
  if (sent.requested !== undefined) options.set(50, bytesOf(sent.requested));
  if (sent.server !== undefined) options.set(54, bytesOf(sent.server));
  for (const [code, value] of Object.entries(sent.options ?? {})) options.set(Number(code), value);
  return {
    op: "request",
    hardwareType: 1,
    hops: 0,
    transactionId: 0x01020304,
    seconds: 4,
    flags: sent.broadcast ? 0x8000 : 0,
    clientAddress: sent.ciaddr ?? "0.0.0.0",
    yourAddress: "0.0.0.0",
    nextServer: "0.0.0.0",
    relayAddress: sent.giaddr ?? "0.0.0.0",
    hardwareAddress: Buffer.from((sent.mac ?? mine).replaceAll(":", ""), "hex"),
    serverName: "",
    bootFile: "",
    options,
  };
}
