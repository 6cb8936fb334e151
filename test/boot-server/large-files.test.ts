import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { rename, truncate, writeFile } from "node:fs/promises";
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { HttpServer } from "../../src/boot-server/http/server.js";
import { servedFile } from "../../src/boot-server/releases.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";

const run = promisify(execFile);
const size = 40 * 1024 * 1024 + 7;

describe("large files by HTTP", () => {
  let server: HttpServer;
  let url: string;
  let path: string;
  const bytes = randomFillSync(Buffer.alloc(size));

  before(async () => {
    path = join(await sharedDirectory(), "large");
    server = new HttpServer({
      find: async () => ({ kind: "file", file: (await servedFile(path, "large", "squashfs"))! }),
      onEnd: () => {},
      mostTransfers: 4,
    });
    url = `http://127.0.0.1:${(await server.listen("127.0.0.1", 0)).port}/large`;
  });
  after(() => server.close(0));
  beforeEach(() => writeFile(path, bytes));

  it("gives the place of a client back that asked twice at once and went away", async () => {
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
  async function slowClient(): Promise<{ request: ClientRequest; answer: IncomingMessage }> {
    const request = get(url, { agent: false });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    return { request, answer };
  }

  async function read(answer: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it("reach many clients at once, whole or in part", async () => {
    const expected = createHash("sha256").update(bytes).digest("hex");
    const whole = Array.from({ length: 12 }, async () => {
      const { stdout } = await run("sh", ["-c", `curl -s ${url} | sha256sum`]);
      assert.equal(stdout.split(" ")[0], expected);
    });
    const part = [1, 1048575, 1048576, 20_000_000, size - 1].map(async (start) => {
      const answer = await fetch(url, { headers: { range: `bytes=${start}-` } });
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(start)), `${start}`);
    });
    await Promise.all([...whole, ...part]);
  });

  it("end early, not wrongly, where the file became shorter", async () => {
    const { answer } = await slowClient();
    await truncate(path, 1000);
    await assert.rejects(read(answer), { code: "ECONNRESET" });
  });

  it("end early, not wrongly, where the file was written over", async () => {
    const { answer } = await slowClient();
    await writeFile(path, Buffer.alloc(size));
    await assert.rejects(read(answer), { code: "ECONNRESET" });
  });

  it("are sent to their end where another file has taken the name", async () => {
    const { answer } = await slowClient();
    await writeFile(`${path}.new`, Buffer.alloc(size));
    await rename(`${path}.new`, path);
    assert.ok((await read(answer)).equals(bytes));
    assert.ok(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(Buffer.alloc(size)));
  });

  it("wait for a slot, and small parts and HEAD do not", async () => {
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
});
