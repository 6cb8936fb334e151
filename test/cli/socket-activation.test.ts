import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { datagramsOf, decode } from "../boot-server/support/capture.js";
import { demoRelease } from "../extract/support/demo-release.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";
import { inOwnNetwork } from "./support/own-network.js";

const run = promisify(execFile);
const packaging = join(checkout, "src/packaging");

/** A machine: broadcasts a recorded request, and prints the first answer. */
const machine = `
  const socket = require("node:dgram").createSocket("udp4").bind(68, () => {
    socket.setBroadcast(true);
    const ask = () => socket.send(Buffer.from(process.argv[1], "hex"), 67, "255.255.255.255");
    setInterval(ask, 500); ask();
  });
  socket.on("message", (bytes, { address, port }) => {
    console.log(\`from \${address} port \${port}: \${bytes.toString("hex")}\`); process.exit();
  });`;

describe("serve, started by systemd without any capability", () => {
  let output: string;
  before(async () => {
    const out = await demoRelease();
    const discover = datagramsOf("seabios-ipxe.pcap")[0]!.payload.toString("hex");
    // One program passes on stream sockets, the other one inside it datagram sockets. Each starts its
    // command at the first connection.
    output = await inOwnNetwork(`
      ip link add wire type veth peer name machine
      unshare --net sh -c 'echo $$ > other; exec sleep 60' & until_says other .
      machine="nsenter --target $(cat other) --net"
      ip link set machine netns $(cat other)
      ip address add 10.9.6.1/24 dev wire; ip link set wire up
      $machine ip address add 10.9.6.9/24 dev machine; $machine ip link set machine up
      $machine ip route add default dev machine
      mkdir ipxe; echo program > ipxe/undionly.kpxe
      systemd-socket-activate --listen 0.0.0.0:8080 \\
        systemd-socket-activate --datagram --fdname http:tftp:pxe:dhcp:dhcp \\
          --listen 0.0.0.0:69 --listen 0.0.0.0:4011 --listen 0.0.0.0:67 --listen 10.9.6.1:67 \\
          setpriv --bounding-set -all --inh-caps -all \\
            sh -c 'grep CapEff /proc/self/status > rights; exec "$@"' sh \\
              $netboot serve ${out} --listen wire --ipxe-dir ipxe 2> log & server=$!
      until_says log 'Listening on 0.0.0.0:8080'
      $machine curl -s http://10.9.6.1:8080/boot.ipxe | grep -o 'chain --replace http://[^/]*'
      $machine curl -s tftp://10.9.6.1/undionly.kpxe
      $machine $node -e '${machine}' ${discover}
      cat rights; kill $server; wait $server; echo status $?; grep Serving log; kill $(cat other)`);
  });

  it("answers HTTP, TFTP and DHCP on the inherited sockets, and stops cleanly", () => {
    const [chain, program, answer, rights, status, line] = output.split("\n");
    assert.equal(chain, "chain --replace http://10.9.6.1:8080");
    assert.equal(program, "program");
    assert.match(answer!, /^from 10\.9\.6\.1 port 67: /);
    assert.match(rights!, /CapEff:\s0{16}$/);
    assert.equal(status, "status 0");
    assert.match(line!, /^Serving on wire: http:\/\/10\.9\.6\.1:8080\/boot\.ipxe /);
  });

  it("offers the script to iPXE, with the address of that network", async () => {
    const [, hex] = /port 67: (\w+)/.exec(output)!;
    const path = join(await temporaryDirectory(), "answer.pcap");
    const view = decode(Buffer.from(hex!, "hex"), 67, path);
    assert.match(view, /DHCP: Offer/);
    assert.match(view, /Next server IP address: 10\.9\.6\.1/);
    assert.match(view, /http:\/\/10\.9\.6\.1:8080\/boot\.ipxe/);
  });
});

it("serve, started by systemd with the unit's capabilities, gives addresses", async () => {
  const out = await demoRelease();
  const output = await inOwnNetwork(`
    ambient=$(sed -n 's/^AmbientCapabilities=CAP_//p' ${packaging}/kairos-netboot.service)
    systemd-socket-activate --datagram --fdname tftp:dhcp:dhcp \\
      --listen 0.0.0.0:69 --listen 0.0.0.0:67 --listen 10.9.8.7:67 \\
      setpriv --bounding-set "-all\${ambient:+,+$(echo $ambient | tr A-Z a-z)}" --inh-caps -all \\
        sh -c 'export LISTEN_PID=$$; exec "$@"' sh \\
          $netboot serve ${out} --listen 10.9.8.7 --dhcp server --dhcp-range 10.9.8.10-10.9.8.20 \\
            2> log & server=$!
    until_says log 10.9.8.7:67
    $node -e 'require("node:dgram").createSocket("udp4").send("x", 67, "10.9.8.7", () => process.exit())'
    until_says log "Serving\\|kairos-netboot:"; cat log
    grep -h Cap /proc/$server/status; kill $server; wait $server`);
  assert.match(output, /^Serving on lo: /m);
  // CAP_NET_BIND_SERVICE is number 10 (capabilities(7)).
  assert.match(output, /^CapEff:\s0{13}400$/m);
});

describe("the units", () => {
  it("are valid for systemd", async () => {
    const directory = await temporaryDirectory();
    await cp(packaging, directory, { recursive: true });
    const template = join(directory, "kairos-netboot-dhcp@.socket");
    await cp(template, join(directory, "kairos-netboot-dhcp@192.0.2.1.socket"));
    const units = (await readdir(directory)).filter((name) => /[^@]\.(service|socket)$/.test(name));
    assert.equal(units.length, 5);
    const env = { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` };
    const paths = units.map((name) => join(directory, name));
    const { stderr } = await run("systemd-analyze", ["verify", ...paths], { env });
    assert.equal(stderr, "");
  });
});
