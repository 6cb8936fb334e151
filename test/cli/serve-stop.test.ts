import assert from "node:assert/strict";
import { it } from "node:test";
import { demoRelease } from "../extract/support/demo-release.js";
import { inOwnNetwork } from "./support/own-network.js";

/** Requests a file, stops the server after the first block, and continues once the server refuses connections. */
const machine = `
  const { connect } = require("node:net");
  const socket = require("node:dgram").createSocket("udp4");
  const untilClosed = (then) => {
    const look = connect(8080, "10.9.8.7", () => { look.destroy(); untilClosed(then); });
    look.on("error", then);
  };
  let length = 0;
  socket.on("message", (bytes, { port }) => {
    if (bytes[1] === 5) { console.log(bytes.toString("latin1", 4)); process.exit(); }
    length += bytes.length - 4;
    const isLast = bytes.length < 516;
    const acknowledge = () => socket.send(
      Buffer.from([0, 4, bytes[2], bytes[3]]), port, "10.9.8.7", () => isLast && socket.close());
    if (bytes[3] > 1) acknowledge();
    else { process.kill(process.argv[1]); untilClosed(acknowledge); }
    if (isLast) console.log("bytes", length);
  });
  socket.send("\\0\\x01undionly.kpxe\\0octet\\0", 69, "10.9.8.7");`;

it("serve finishes sending a boot program before it stops", async () => {
  const out = await demoRelease();
  const output = await inOwnNetwork(`mkdir ipxe; head -c 1300 /dev/zero > ipxe/undionly.kpxe
    $netboot serve ${out} --listen 10.9.8.7 --ipxe-dir ipxe --dhcp off 2> log & server=$!
    until_says log Serving
    $node -e '${machine}' $server
    wait $server; echo status $?`);
  assert.deepEqual(output.trim().split("\n"), ["bytes 1300", "status 0"]);
});
