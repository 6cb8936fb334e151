import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { ownAddress, relayAddress } from "./network-namespace.js";

export interface Offer {
  readonly bootFile: string;
  /** Between request and reply. */
  readonly milliseconds: number;
}

type Found = (error: null, address: string, family: number) => void;

/** DHCP clients behind a relay, which receives the replies. */
export class DhcpClients {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: Buffer) => void>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes) => this.#waiting.get(bytes.readUInt32BE(4))?.(bytes));
  }

  static async start(): Promise<DhcpClients> {
    // Addresses need no lookup, which would delay sending.
    const lookup = (address: string, _: unknown, found: Found) => found(null, address, 4);
    const socket = createSocket({ type: "udp4", reuseAddr: true, lookup });
    const listening = once(socket, "listening");
    socket.bind(67, relayAddress);
    await listening;
    // A reply that is lost here would be blamed on the server.
    socket.setRecvBufferSize(4 * 1024 * 1024);
    return new DhcpClients(socket);
  }

  /**
   * Sends one request, as UEFI firmware for x64 or as iPXE.
   * @param machine number that the MAC address is derived from
   * @returns undefined if no offer arrives in time
   */
  async request(machine: number, isIpxe: boolean, timeoutMs = 3000): Promise<Offer | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    const start = performance.now();
    const reply = await new Promise<Buffer | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      this.#waiting.set(id, (bytes) => {
        clearTimeout(timer);
        resolve(bytes);
      });
      this.#socket.send(discover(id, machine, isIpxe), 67, ownAddress);
    });
    const milliseconds = performance.now() - start;
    this.#waiting.delete(id);
    if (reply === undefined) return undefined;
    const bootFile = reply.toString("latin1", 108, 236).replace(/\0.*$/s, "");
    return { bootFile, milliseconds };
  }

  /**
   * Sends requests of many machines at the same time.
   * @param first number of the first machine
   */
  async requestAll(first: number, count: number): Promise<(Offer | undefined)[]> {
    const offers: Promise<Offer | undefined>[] = [];
    for (let index = 0; index < count; index += 1) {
      offers.push(this.request(first + index, false));
      // Replies are received and timed while other requests are still being sent.
      if (index % 5 === 4) await setImmediate();
    }
    return Promise.all(offers);
  }

  close(): void {
    this.#socket.close();
  }
}

/** RFC 2131, section 2, with the options of PXE 2.1 and RFC 4578. */
function discover(id: number, machine: number, isIpxe: boolean): Buffer {
  const bytes = Buffer.alloc(400);
  bytes.set([1, 1, 6, 1]);
  bytes.writeUInt32BE(id, 4);
  bytes.set(relayAddress.split(".").map(Number), 24);
  bytes.set([0x52, 0x54, 0], 28);
  bytes.writeUIntBE(machine, 31, 3);
  bytes.set([99, 130, 83, 99, 53, 1, 1, 93, 2, 0, 7, 94, 3, 1, 3, 16], 236);
  const options = [
    text(60, "PXEClient:Arch:00007:UNDI:003000"),
    ...(isIpxe ? [text(77, "iPXE")] : []),
    Buffer.from([55, 5, 1, 3, 60, 66, 67, 255]),
  ];
  bytes.set(Buffer.concat(options), 252);
  return bytes;
}

function text(code: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([code, value.length]), Buffer.from(value)]);
}
