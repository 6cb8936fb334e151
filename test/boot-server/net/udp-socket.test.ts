import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { it } from "node:test";
import { onDatagram } from "../../../src/boot-server/net/udp-socket.js";

it("ignores datagrams from port 0, to which nothing can be sent", () => {
  const socket = createSocket("udp4");
  const seen: number[] = [];
  onDatagram(socket, (_, { port }) => seen.push(port));
  for (const port of [0, 68]) {
    socket.emit("message", Buffer.alloc(1), { address: "10.0.0.1", family: "IPv4", port, size: 1 });
  }
  socket.close();
  assert.deepEqual(seen, [68]);
});

it("treats datagrams that reach an IPv6 socket over IPv4 as IPv4, and ignores others", () => {
  const socket = createSocket("udp6");
  const seen: string[] = [];
  onDatagram(socket, (_, { address }) => seen.push(address));
  for (const address of ["::ffff:10.0.0.1", "fe80::1", "::ffff:0.0.0.0", "10.0.0.2"]) {
    socket.emit("message", Buffer.alloc(1), { address, family: "IPv6", port: 68, size: 1 });
  }
  socket.close();
  assert.deepEqual(seen, ["10.0.0.1", "0.0.0.0", "10.0.0.2"]);
});
