import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { rename, truncate, writeFile } from "node:fs/promises";
import { type ClientRequest, createServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { readServedFile } from "../../../src/boot-server/files/served-file.js";
import { AdmissionQueue } from "../../../src/boot-server/http/admission-queue.js";
import { FileSender } from "../../../src/boot-server/http/file-sender.js";
import { HttpServer } from "../../../src/boot-server/http/http-server.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";

const run = promisify(execFile);
/** Needs a slot, which begins at 16 MiB, and is more than the buffers of two sockets hold. */
const size = 17 * 1024 * 1024 + 7;

describe("large files by HTTP", () => {
  let server: HttpServer;
  let url: string;
  let path: string;
  const bytes = randomFillSync(Buffer.alloc(size));

  before(async () => {
    path = join(await sharedDirectory(), "large");
    server = new HttpServer({
      find: async () => ({
        kind: "file",
        file: (await readServedFile(path, "large", "squashfs"))!,
      }),
      onEnd: () => {},
      maxTransfers: 4,
    });
    url = `http://127.0.0.1:${(await server.listen("127.0.0.1", 0)).port}/large`;
  });
  after(() => server.close(0));
  beforeEach(() => writeFile(path, bytes));

  it("releases the slot of a client that pipelined two requests and disconnected", async () => {
    const { hostname, port, pathname } = new URL(url);
    for (let times = 0; times < 8; times += 1) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(2));
      await once(socket, "data");
      socket.destroy();
    }
    const { stdout } = await run("curl", ["-s", "--max-time", "10", url], {
      encoding: "buffer",
      maxBuffer: 2 * size,
    });
    assert.ok(stdout.equals(bytes));
  });

  /** A client that reads nothing until it is told to. */
  async function slowClient(
    place = url,
  ): Promise<{ request: ClientRequest; answer: IncomingMessage }> {
    const request = get(place, { agent: false });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    return { request, answer };
  }

  async function read(answer: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it("reach many clients concurrently, whole or in part", async () => {
    const whole = Array.from({ length: 12 }, () =>
      run("sh", ["-c", `curl -s ${url} | cmp - ${path}`]),
    );
    const part = [1, 1048575, 1048576, 10_000_000, size - 1].map(async (start) => {
      const answer = await fetch(url, { headers: { range: `bytes=${start}-` } });
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(start)), `${start}`);
    });
    await Promise.all([...whole, ...part]);
  });

  it("end early instead of with wrong bytes if the file is truncated", async () => {
    const { answer } = await slowClient();
    await truncate(path, 1000);
    await assert.rejects(read(answer), { code: "ECONNRESET" });
  });

  it("end early instead of with wrong bytes if the file is overwritten", async () => {
    const { answer } = await slowClient();
    await writeFile(path, Buffer.alloc(size));
    await assert.rejects(read(answer), { code: "ECONNRESET" });
  });

  it("are sent completely if another file takes over the name", async () => {
    const { answer } = await slowClient();
    await writeFile(`${path}.new`, Buffer.alloc(size));
    await rename(`${path}.new`, path);
    assert.ok((await read(answer)).equals(bytes));
    assert.ok(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(Buffer.alloc(size)));
  });

  it("wait for a slot, but small ranges and HEAD do not", async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => slowClient()));
    let isAnswered = false;
    const waiting = fetch(url).then((answer) => {
      isAnswered = true;
      return answer.arrayBuffer();
    });
    assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
    assert.equal((await fetch(url, { headers: { range: "bytes=0-9" } })).status, 206);
    assert.equal(isAnswered, false);
    // One that goes away gives its slot back.
    clients[0]!.request.destroy();
    assert.equal((await waiting).byteLength, size);
    for (const { request } of clients) request.destroy();
  });

  it("are sent although very slow clients have all slots", async () => {
    const minimumRate = { periodMs: 500, bytesPerSecond: 64_000 };
    const files = new FileSender(new AdmissionQueue({ maxTransfers: 2, minimumRate }), 60_000);
    const file = (await readServedFile(path, "large", "squashfs"))!;
    const own = createServer((request, response) => void files.send(request, response, file));
    await once(own.listen(0, "127.0.0.1"), "listening");
    const place = `http://127.0.0.1:${(own.address() as AddressInfo).port}/large`;
    const slow = await Promise.all([place, place].map((it) => slowClient(it)));
    const answer = await fetch(place, { signal: AbortSignal.timeout(15_000) });
    assert.equal((await answer.arrayBuffer()).byteLength, size);
    // They are slow, not lost.
    assert.ok((await read(slow[0]!.answer)).equals(bytes));
    own.closeAllConnections();
    own.close();
  });
});

describe("a file of another server", () => {
  let server: HttpServer;
  let url: string;
  let bodies: Readable[];
  const large = 24 * 1024 * 1024;

  /** A body of so many bytes, with its length announced or not. */
  const streams: Readonly<Record<string, { length: number; headers: Record<string, string> }>> = {
    "/large": { length: large, headers: { "content-length": String(large) } },
    "/unknown": { length: large, headers: {} },
    "/small": { length: 1000, headers: { "content-length": "1000" } },
  };

  async function serve(options: { stallTimeoutMs?: number }): Promise<void> {
    bodies = [];
    server = new HttpServer({
      find: ({ path: name }) => {
        const { length, headers } = streams[name]!;
        const body = Readable.from(chunks(length));
        if (length === large) bodies.push(body);
        return { kind: "stream", name, role: "initrd", size: 0, status: 200, headers, body };
      },
      onEnd: () => {},
      maxTransfers: 1,
      ...options,
    });
    url = `http://127.0.0.1:${(await server.listen("127.0.0.1", 0)).port}`;
  }

  async function begin(name: string): Promise<ClientRequest> {
    const request = get(`${url}${name}`, { agent: false });
    request.on("error", () => {});
    await once(request, "response");
    return request;
  }

  for (const name of ["/large", "/unknown"]) {
    it(`waits for a slot: ${name.slice(1)}`, async () => {
      await serve({});
      const first = await begin(name);
      let isAnswered = false;
      const waiting = fetch(`${url}${name}`).then((answer) => {
        isAnswered = true;
        return answer.arrayBuffer();
      });
      assert.equal((await (await fetch(`${url}/small`)).arrayBuffer()).byteLength, 1000);
      assert.equal((await fetch(`${url}${name}`, { method: "HEAD" })).status, 200);
      assert.equal(isAnswered, false);
      first.destroy();
      assert.equal((await waiting).byteLength, large);
      await server.close(0);
    });
  }

  it("is answered with 502 if the other server disconnects before its turn", async () => {
    await serve({});
    const first = await begin("/large");
    const waiting = fetch(`${url}/large`);
    while (bodies.length < 2) await (await fetch(`${url}/small`)).arrayBuffer();
    bodies[1]!.destroy(new Error("other side closed"));
    first.destroy();
    assert.equal((await waiting).status, 502);
    await server.close(0);
  });

  it("is aborted if the client stops reading", async () => {
    await serve({ stallTimeoutMs: 300 });
    const request = get(`${url}/large`, { agent: false });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    // Reading would be taking: only the end is waited for.
    const ended = new Promise((resolve) => {
      server.close(15_000).then(() => resolve("closed"));
    });
    const start = performance.now();
    assert.equal(await ended, "closed");
    assert.ok(performance.now() - start < 10_000);
    answer.destroy();
  });
});

function* chunks(length: number): Iterable<Buffer> {
  const chunk = Buffer.alloc(65_536);
  for (let left = length; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
}
