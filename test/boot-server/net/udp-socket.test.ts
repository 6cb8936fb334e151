import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { it } from "node:test";
import { onDatagram } from "../../../src/boot-server/net/udp-socket.js";

it("a datagram from port 0, which nothing can be sent to, is passed over", () => {
  const socket = createSocket("udp4");
  const seen: number[] = [];
  onDatagram(socket, (_, { port }) => seen.push(port));
  for (const port of [0, 68]) {
    socket.emit("message", Buffer.alloc(1), { address: "10.0.0.1", family: "IPv4", port, size: 1 });
  }
  socket.close();
  assert.deepEqual(seen, [68]);
});

it("a datagram that comes by IPv4 to a socket of IPv6 is one of IPv4, and others are passed over", () => {
  const socket = createSocket("udp6");
  const seen: string[] = [];
  onDatagram(socket, (_, { address }) => seen.push(address));
  for (const address of ["::ffff:10.0.0.1", "fe80::1", "::ffff:0.0.0.0", "10.0.0.2"]) {
    socket.emit("message", Buffer.alloc(1), { address, family: "IPv6", port: 68, size: 1 });
  }
  socket.close();
  assert.deepEqual(seen, ["10.0.0.1", "0.0.0.0", "10.0.0.2"]);
});
