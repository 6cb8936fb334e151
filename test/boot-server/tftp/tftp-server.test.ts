import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { negotiate } from "../../../src/boot-server/tftp/negotiation.js";
import { type TftpEvent, TftpServer } from "../../../src/boot-server/tftp/tftp-server.js";
import { noise } from "../../extract/support/images.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";

const run = promisify(execFile);
const sizes = [0, 1, 511, 512, 513, 1024, 1468, 1469, 100_000];
/** A file with more blocks of 8 bytes than there are block numbers. */
const wrappingSize = 65_537 * 8 + 7;
/** A size that takes some blocks of 1468 bytes. */
const severalBlocksSize = 20_000;

describe("TFTP", () => {
  let server: TftpServer;
  let port: number;
  let directory: string;
  const events: TftpEvent[] = [];
  const files = new Map<string, string>();

  before(async () => {
    directory = await sharedDirectory();
    for (const size of [...sizes, severalBlocksSize, wrappingSize]) {
      const path = join(directory, `file-${size}`);
      await writeFile(path, noise("x", size).content as Buffer);
      files.set(`file-${size}`, path);
    }
    files.set("gone", join(directory, "gone"));
    await writeFile(join(directory, "secret"), "secret");
    server = new TftpServer({
      find: (name) => files.get(name),
      onEvent: (event) => events.push(event),
    });
    ({ port } = await server.listen("127.0.0.1", 0));
  });
  after(() => server.close(0));

  const curl = (name: string, ...options: string[]) => {
    const target = join(directory, "fetched");
    const url = `tftp://127.0.0.1:${port}/${name}`;
    return run("curl", ["--silent", "--path-as-is", "--output", target, ...options, url]);
  };

  it("keeps serving after requests from two hundred forged senders", async () => {
    const request = Buffer.from("\0\x01file-512\0octet\0timeout\x0010\0", "latin1");
    const sockets = Array.from({ length: 26 }, () => createSocket("udp4"));
    for (const [index, socket] of sockets.entries()) {
      socket.bind(0, `127.0.1.${index + 1}`);
      await once(socket, "listening");
      for (let times = 0; times < 8; times += 1) socket.send(request, port, "127.0.0.1");
    }
    assert.equal(await new Machine(0, port).fetch("file-512"), 512);
    for (const socket of sockets) socket.close();
  });

  it("serves 420 machines that ask at the same time, without an error", async () => {
    const machines = Array.from({ length: 420 }, (_, index) => new Machine(index, port));
    const lengths = await Promise.all(
      machines.map((machine) => machine.fetch(`file-${severalBlocksSize}`)),
    );
    assert.deepEqual(new Set(lengths), new Set([severalBlocksSize]));
  });

  for (const size of sizes) {
    // curl treats an acknowledged size of 0 as an error.
    const blockSizes = size === 0 ? [] : [8, 512, 1468, 65464];
    for (const blockSize of blockSizes.filter((it) => it > 8 || size < 2000)) {
      it(`sends ${size} bytes to curl in blocks of ${blockSize}`, async () => {
        await curl(`file-${size}`, "--tftp-blksize", String(blockSize));
        const [sent, got] = [files.get(`file-${size}`)!, join(directory, "fetched")];
        assert.ok((await readFile(sent)).equals(await readFile(got)));
      });
    }
    it(`sends ${size} bytes to curl without options`, async () => {
      await curl(`file-${size}`, "--tftp-no-options");
      const [sent, got] = [files.get(`file-${size}`)!, join(directory, "fetched")];
      assert.ok((await readFile(sent)).equals(await readFile(got)));
    });
  }

  it("continues after block 65535", async () => {
    await curl(`file-${wrappingSize}`, "--tftp-blksize", "8");
    const got = await readFile(join(directory, "fetched"));
    assert.ok(got.equals(await readFile(files.get(`file-${wrappingSize}`)!)));
  });

  it("sends to tftp-hpa", async () => {
    const target = join(directory, "fetched-by-hpa");
    const script = ["-m", "binary", "127.0.0.1", String(port), "-c", "get", "file-100000", target];
    await run("tftp", script);
    assert.ok((await readFile(target)).equals(await readFile(files.get("file-100000")!)));
  });

  it("sends a whole window before it waits, and resends from a lost block on", async () => {
    const client = new Client(port);
    const first = await client.ask("file-100000", { windowsize: "4", blksize: "1000" });
    assert.deepEqual(optionsIn(first), { blksize: "1000", windowsize: "4" });
    client.acknowledge(0);
    assert.deepEqual(await client.blocks(4), [1, 2, 3, 4]);
    // Acknowledging the second block says that the third one was lost.
    client.acknowledge(2);
    assert.deepEqual(await client.blocks(4), [3, 4, 5, 6]);
    client.close();
  });

  it("does not resend a block for a duplicate acknowledgement", async () => {
    const client = new Client(port);
    await client.ask("file-100000", { blksize: "512" });
    client.acknowledge(0);
    assert.deepEqual(await client.blocks(1), [1]);
    client.acknowledge(1);
    client.acknowledge(1);
    client.acknowledge(1);
    assert.deepEqual(await client.blocks(1), [2]);
    client.acknowledge(2);
    assert.deepEqual(await client.blocks(1), [3]);
    client.close();
  });

  it("tells the size to a client that only asks for it, like EDK2, and keeps serving", async () => {
    const client = new Client(port);
    const answer = await client.ask("file-1469", { tsize: "0", blksize: "1468", windowsize: "4" });
    assert.deepEqual(optionsIn(answer), { blksize: "1468", windowsize: "4", tsize: "1469" });
    client.send(Buffer.from([0, 5, 0, 8, 0]));
    const isDeclined = (event: TftpEvent) =>
      event.type === "ended" && event.outcome.kind === "declined";
    while (!events.some(isDeclined)) await sleep(10);
    client.close();
    await curl("file-1469");
  });

  const invalid = { blksize: "7", timeout: "0", windowsize: "x", multicast: "", blkSize2: "1" };
  it("ignores unknown and invalid options", async () => {
    const client = new Client(port);
    const answer = await client.ask("file-1", { ...invalid, tsize: "0" });
    assert.deepEqual(optionsIn(answer), { tsize: "1" });
    client.close();
  });

  it("rejects a packet from another port, and continues the transfer", async () => {
    const client = new Client(port);
    await client.ask("file-1024", { blksize: "512" });
    const stranger = new Client(client.transferPort);
    stranger.acknowledge(0);
    assert.deepEqual([...(await stranger.next()).subarray(0, 4)], [0, 5, 0, 5]);
    client.acknowledge(0);
    assert.deepEqual(await client.blocks(1), [1]);
    stranger.close();
    client.close();
  });

  const refused: [name: string, code: number][] = [
    ["nothing", 1],
    ["autoexec.ipxe", 1],
    ["gone", 0],
    ["../secret", 2],
    ["..\\secret", 2],
    ["x/../../secret", 2],
    ["//secret", 1],
    ["/etc/passwd", 1],
    [".", 1],
    ["", 1],
  ];
  for (const [name, code] of refused) {
    it(`answers ${JSON.stringify(name)} with error ${code}`, async () => {
      const client = new Client(port);
      const answer = await client.ask(name, {});
      assert.deepEqual([...answer.subarray(0, 4)], [0, 5, 0, code]);
      client.close();
    });
  }

  const granted: [mtu: number | undefined, requested: string, blockSize: number][] = [
    [undefined, "1468", 1468],
    [1500, "65464", 1468],
    // RFC 2348: the server may grant less. dnsmasq grants 1368 on such a network, too.
    [1400, "1468", 1368],
    [1400, "1024", 1024],
    [9000, "8192", 1468],
  ];
  for (const [mtu, requested, blockSize] of granted) {
    it(`grants blocks of ${blockSize} for ${requested} with an MTU of ${mtu ?? "unknown"}`, () => {
      const options = negotiate(new Map([["blksize", requested]]), 1, mtu);
      assert.equal(options.blockSize, blockSize);
      assert.equal(options.acknowledged.get("blksize"), String(blockSize));
    });
  }

  const tolerated: [name: string, request: string][] = [
    ["0xff after the name", "file-1\xff\0octet\0"],
    ["a second NUL after the name", "file-1\0\0octet\0"],
    ["0xff and a second NUL", "file-1\xff\0\0octet\0"],
    ["options after a second NUL", "file-1\0\0octet\0blksize\x00512\0"],
  ];
  for (const [name, request] of tolerated) {
    it(`sends the file to a boot ROM that sends ${name}`, async () => {
      const client = new Client(port);
      client.send(Buffer.from(`\0\x01${request}`, "latin1"));
      const answer = await client.next();
      // DATA or, if options were requested, OACK (RFC 1350, RFC 2347).
      assert.equal(answer[1], request.includes("blksize") ? 6 : 3);
      client.close();
    });
  }

  /** Starts a server, and a client that has received the first of three blocks. */
  async function startTransfer(): Promise<{ own: TftpServer; client: Client; ownPort: number }> {
    const own = new TftpServer({ find: (name) => files.get(name), onEvent: () => {} });
    const { port: ownPort } = await own.listen("127.0.0.1", 0);
    const client = new Client(ownPort);
    await client.ask("file-1469", { blksize: "512" });
    client.acknowledge(0);
    assert.deepEqual(await client.blocks(1), [1]);
    return { own, client, ownPort };
  }

  it("finishes active transfers when it stops, and accepts no new ones", async () => {
    const { own, client, ownPort } = await startTransfer();
    const closed = own.close(10_000);
    // The port is free again, so the server no longer receives requests.
    const next = createSocket("udp4").bind(ownPort, "127.0.0.1");
    await once(next, "listening");
    client.acknowledge(1);
    assert.deepEqual(await client.blocks(1), [2]);
    client.acknowledge(2);
    assert.deepEqual(await client.blocks(1), [3]);
    client.acknowledge(3);
    await closed;
    next.close();
    client.close();
  });

  it("tells a client whose transfer it aborts when it stops", async () => {
    const { own, client } = await startTransfer();
    await own.close(20);
    assert.deepEqual([...(await client.next()).subarray(0, 4)], [0, 5, 0, 0]);
    client.close();
  });

  it("refuses write requests", async () => {
    const client = new Client(port);
    client.send(Buffer.from("\0\x02file-1\0octet\0"));
    assert.deepEqual([...(await client.next()).subarray(0, 4)], [0, 5, 0, 2]);
    client.close();
  });

  it("ignores malformed requests, and keeps serving", async () => {
    const client = new Client(port);
    for (const bytes of [
      "",
      "\0",
      "\0\x01",
      "\0\x01x",
      "\0\x01x\0octet",
      "\0\x03\0\x01data",
      "\xff\xff",
    ]) {
      client.send(Buffer.from(bytes, "latin1"));
    }
    const answer = await client.ask("nothing", {});
    assert.deepEqual([...answer.subarray(0, 4)], [0, 5, 0, 1]);
    client.close();
  });
});

/** A client whose every packet the test determines. */
class Client {
  readonly #socket = createSocket("udp4");
  readonly #received: Buffer[] = [];
  #port: number;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on("message", (bytes, from) => {
      this.#received.push(bytes);
      this.#port = from.port;
    });
  }

  get transferPort(): number {
    return this.#port;
  }

  async ask(name: string, options: Readonly<Record<string, string>>): Promise<Buffer> {
    const words = [name, "octet", ...Object.entries(options).flat()];
    this.send(Buffer.concat([Buffer.from([0, 1]), Buffer.from(`${words.join("\0")}\0`)]));
    return this.next();
  }

  acknowledge(block: number): void {
    this.send(Buffer.from([0, 4, block >> 8, block & 255]));
  }

  send(bytes: Buffer): void {
    this.#socket.send(bytes, this.#port, "127.0.0.1");
  }

  async next(): Promise<Buffer> {
    while (this.#received.length === 0) await once(this.#socket, "message");
    return this.#received.shift()!;
  }

  /** Returns the numbers of the next blocks. */
  async blocks(count: number): Promise<number[]> {
    const numbers: number[] = [];
    while (numbers.length < count) numbers.push((await this.next()).readUInt16BE(2));
    return numbers;
  }

  /** Ends the transfer with an error: an abandoned one counts against the next clients for seconds. */
  close(): void {
    const giveUp = Buffer.from([0, 5, 0, 0, 0]);
    this.#socket.send(giveUp, this.#port, "127.0.0.1", () => this.#socket.close());
  }
}

/** A machine with its own address: it asks again after a second, and gives up on an error. */
class Machine {
  readonly #socket = createSocket("udp4");
  readonly #address: string;
  readonly #port: number;
  #transferPort: number | undefined;
  #last = 0;
  #length = 0;

  constructor(index: number, port: number) {
    this.#address = `127.0.${2 + Math.floor(index / 200)}.${1 + (index % 200)}`;
    this.#port = port;
  }

  /** @returns the number of bytes received */
  async fetch(name: string): Promise<number> {
    this.#socket.bind(0, this.#address);
    await once(this.#socket, "listening");
    const request = `\0\x01${name}\0octet\0blksize\x001468\0`;
    const ask = () => this.#socket.send(Buffer.from(request, "latin1"), this.#port, "127.0.0.1");
    ask();
    const timer = setInterval(() => this.#transferPort ?? ask(), 1000);
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#socket.on("message", (bytes, from) => {
          this.#transferPort ??= from.port;
          if (from.port !== this.#transferPort) this.#answer([0, 5, 0, 5, 0], from.port);
          else if (bytes[1] === 5) reject(new Error(bytes.toString("latin1", 4)));
          else if (this.#take(bytes)) resolve(this.#length);
        });
      });
    } finally {
      clearInterval(timer);
      this.#socket.close();
    }
  }

  /** @returns true for the last block */
  #take(bytes: Buffer): boolean {
    const block = bytes[1] === 6 ? 0 : bytes.readUInt16BE(2);
    this.#answer([0, 4, block >> 8, block & 255], this.#transferPort!);
    if (block !== this.#last + 1) return false;
    this.#last = block;
    this.#length += bytes.length - 4;
    return bytes.length < 4 + 1468;
  }

  #answer(bytes: number[], port: number): void {
    this.#socket.send(Buffer.from(bytes), port, "127.0.0.1");
  }
}

function optionsIn(answer: Buffer): Record<string, string> {
  assert.equal(answer.readUInt16BE(0), 6);
  const words = answer.toString("latin1", 2).split("\0");
  const options: Record<string, string> = {};
  for (let index = 0; index + 1 < words.length; index += 2)
    options[words[index]!] = words[index + 1]!;
  return options;
}
