import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { it } from "node:test";
import { onDatagram } from "../../src/boot-server/bind-udp.js";

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
