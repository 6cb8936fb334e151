import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { endianness } from "node:os";
import { describe, it } from "node:test";
import { explainPortError } from "../../../src/boot-server/net/port-error.js";
import { findPortOwner, findSocketInodes } from "../../../src/boot-server/net/port-owner.js";

// As a little-endian kernel prints it: 10.9.8.7 port 69, all addresses port 67, and a connection
// from 10.9.8.7 port 67.
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  113: 0708090A:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1001 2 0 0
  114: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1002 2 0 0
  115: 0708090A:0043 0908090A:0044 01 00000000:00000000 00:00000000 00000000     0        0 1003 2 0 0
`;

describe("the owner of a port", { skip: endianness() !== "LE" }, () => {
  const cases: [name: string, address: string, port: number, expected: string[]][] = [
    ["is the program that bound that address", "10.9.8.7", 69, ["1001"]],
    ["is the program that bound all addresses", "10.9.8.7", 67, ["1002"]],
    ["is any program on that port, if all addresses are wanted", "0.0.0.0", 69, ["1001"]],
    ["is not a program that bound another address", "10.9.8.8", 69, []],
    ["is unknown if the port is free", "10.9.8.7", 4011, []],
  ];
  for (const [name, address, port, expected] of cases) {
    it(name, () => assert.deepEqual(findSocketInodes(table, address, port), expected));
  }

  it("is named with its process id in the error", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const owner = await findPortOwner("tcp", "127.0.0.1", port);
    assert.equal(owner?.pid, process.pid);
    const error = Object.assign(new Error("taken"), { code: "EADDRINUSE" });
    const explained = (await explainPortError(error, "HTTP", "127.0.0.1", port)) as Error;
    assert.match(
      explained.message,
      new RegExp(`\\(pid ${process.pid}\\) uses port ${port} of 127`),
    );
    server.close();
  });
});
