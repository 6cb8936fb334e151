/**
 * Runs inside a network namespace: sends malformed packets and requests to a boot server, and checks
 * that it still answers machines. Prints the server's memory use as one line of JSON.
 *
 *     node fuzz.js SERVER-ADDRESS OWN-ADDRESS PID DATAGRAMS REQUESTS SEED
 */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { datagramsOf } from "./capture.js";

const [server = "", own = "", pid, datagrams, requests, seed] = process.argv.slice(2);
/** After this many datagrams a valid request must get a reply, so that no queue overflows. */
const batchSize = 500;

/** Marsaglia's xorshift: reproducible for a given seed. */
class Random {
  #state: number;
  constructor(start: number) {
    this.#state = start;
  }

  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const random = new Random(Number(seed));

const recordings = ["ovmf-http-boot.pcap", "ovmf-pxe-port-4011.pcap", "seabios-ipxe.pcap"];
const recorded = recordings
  .flatMap(datagramsOf)
  .filter(({ to }) => [67, 4011, 69].includes(to.port));
const discover = recorded.find(({ to, payload }) => to.port === 67 && payload[242] === 1)!.payload;
const tftpRequests = ["snponly.efi", "undionly.kpxe", "../../etc/passwd", "x".repeat(600)].flatMap(
  (name) =>
    ["octet", "netascii", ""].map((mode) =>
      Buffer.from(
        `\0\x01${name}\0${mode}\0blksize\x001468\0windowsize\x0064\0tsize\x000\0`,
        "latin1",
      ),
    ),
);

function mutated(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let times = random.below(8); times > 0 && copy.length > 0; times -= 1) {
    copy[random.below(copy.length)] = random.below(256);
  }
  const kind = random.below(4);
  if (kind === 0) return copy.subarray(0, random.below(copy.length + 1));
  if (kind === 1) return Buffer.concat([copy, random.bytes(random.below(300))]);
  return copy;
}

function fuzzedDatagram(): { bytes: Buffer; port: number } {
  const port = [67, 4011, 69][random.below(3)]!;
  const kind = random.below(10);
  if (kind === 0) return { bytes: random.bytes(random.below(1400)), port };
  const seeds = port === 69 && kind < 8 ? tftpRequests : recorded.map(({ payload }) => payload);
  return { bytes: mutated(seeds[random.below(seeds.length)]!), port };
}

/** Sends DISCOVERs like firmware behind a relay at `own`, and waits for the offer. */
class Asker {
  readonly #socket: Socket;
  #id = 1;
  #answer: ((id: number) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes, { port }) => {
      if (port === 67 && bytes.length > 240) this.#answer?.(bytes.readUInt32BE(4));
    });
  }

  async isAnswered(): Promise<boolean> {
    for (let tries = 0; tries < 20; tries += 1) {
      const id = 0xf0000000 + this.#id;
      this.#id += 1;
      const message = Buffer.from(discover);
      message.writeUInt32BE(id, 4);
      own.split(".").forEach((part, index) => {
        message[24 + index] = Number(part);
      });
      // A different machine each time, because the server limits the rate of each machine.
      message.writeUInt32BE(this.#id, 30);
      const answered = new Promise<boolean>((resolve) => {
        this.#answer = (got) => got === id && resolve(true);
      });
      this.#socket.send(message, 67, server);
      if (await Promise.race([answered, sleep(500, false)])) return true;
    }
    return false;
  }
}

function fuzzedRequest(): Buffer {
  const targets = [
    "/",
    "/boot.ipxe",
    "/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64",
    "/api/machines",
    "/metrics",
    "/releases/1/x",
    "/cloud-config/a.b",
    "//etc/passwd",
    "/%00",
    "*",
    "http://evil/",
  ];
  const text = `GET ${targets[random.below(targets.length)]} HTTP/1.1\r\nHost: x\r\nRange: bytes=${random.below(99)}-${random.below(99)}\r\nConnection: close\r\n\r\n`;
  return random.below(5) === 0 ? random.bytes(random.below(600)) : mutated(Buffer.from(text));
}

async function sendRequest(bytes: Buffer): Promise<void> {
  const socket = connect(8080, server);
  socket.on("error", () => {});
  socket.resume();
  const closed = once(socket, "close");
  socket.end(bytes);
  await Promise.race([closed, sleep(100)]);
  socket.destroy();
}

/** The memory of the server, in MiB: now, and at its peak. */
function memory(): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024;
  return { now: Math.round(megabytes("VmRSS")), peak: Math.round(megabytes("VmHWM")) };
}

// The server is bound to all addresses, but this socket receives what is sent to its own address.
const socket = createSocket({ type: "udp4", reuseAddr: true });
socket.bind(67, own);
await once(socket, "listening");
const asker = new Asker(socket);
assert.ok(await asker.isAnswered(), "the server does not answer at the beginning");
let halfway: ReturnType<typeof memory> | undefined;
for (let sent = 0; sent < Number(datagrams); sent += batchSize) {
  for (let index = 0; index < batchSize; index += 1) {
    const { bytes, port } = fuzzedDatagram();
    socket.send(bytes, port, server, () => {});
  }
  assert.ok(
    await asker.isAnswered(),
    `the server does not answer after ${sent + batchSize} datagrams`,
  );
  if (sent >= Number(datagrams) / 2) halfway ??= memory();
}
for (let sent = 0; sent < Number(requests); sent += 20) {
  await Promise.all(Array.from({ length: 20 }, () => sendRequest(fuzzedRequest())));
}
assert.ok(await asker.isAnswered(), "the server does not answer at the end");
console.log(JSON.stringify({ halfway, end: memory() }));
socket.close();
