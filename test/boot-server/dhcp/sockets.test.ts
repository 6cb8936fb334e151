import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { demoRelease } from "../../extract/support/demo-release.js";
import { checkout } from "../../support/checkout.js";
import { datagramsOf } from "../support/capture.js";
import { dnsmasq, linesInDhcpLan } from "../support/dhcp-lan.js";

const dhcpServer = `${dnsmasq} --bind-dynamic --dhcp-range=10.5.0.50,10.5.0.60,1h`;

/**
 * Sends two DISCOVERs like iPXE, and prints the replies to the first one: once the second one has a
 * reply, no more replies to the first one follow. The arguments are the DISCOVER, the address and
 * port to send from, the destination, and the address of the relay (0.0.0.0 without one).
 */
const askTwice = `
  const [hex, from, port, to, relay] = process.argv.slice(1);
  const question = Buffer.from(hex, "hex");
  question.set(relay.split(".").map(Number), 24);
  const socket = require("node:dgram").createSocket({ type: "udp4", reuseAddr: true });
  const heard = [];
  socket.bind(Number(port), from, () => {
    socket.setBroadcast(true);
    for (const count of [1, 2]) {
      question.writeUInt32BE(count, 4);
      socket.send(Buffer.from(question), 67, to);
    }
  });
  socket.on("message", (bytes, { address, port }) => {
    if (bytes.readUInt32BE(4) === 1) {
      heard.push(\`\${address}:\${port} names \${bytes.subarray(20, 24).join(".")}\`);
    } else {
      console.log(heard.join(", ")); process.exit();
    }
  });`;

describe("serve, on the DHCP ports", { concurrency: 2, timeout: 300_000 }, () => {
  const discover = datagramsOf("seabios-ipxe.pcap")[0]!.payload.toString("hex");
  const ask = (from: string, to: string, relay: string) =>
    `${process.execPath} -e '${askTwice}' ${discover} ${from} ${to} ${relay}`;
  let out: string;
  before(async () => {
    out = await demoRelease();
  });

  const lines = (script: string) => linesInDhcpLan(out, script);

  for (const [name, words] of [
    ["on one interface", "--interface=br0"],
    ["on all interfaces", ""],
  ] as const) {
    it(`leaves unicast requests to a DHCP server of the same machine that listens ${name}`, async () => {
      const heard = await lines(`
      : > dnsmasq.log; ${dhcpServer} ${words} > dnsmasq.log 2>&1 &
      until_says dnsmasq.log "IP range"
      serve --dhcp proxy
      HEARD=a.heard; export HEARD
      at a busybox udhcpc -p a.pid -i eth0 -f -s ./action > a.log 2>&1 &
      until_says a.heard bound
      kill -USR1 $(cat a.pid)
      until_says a.heard renew
      kill $(cat a.pid); grep -o "^renew\\|server=.*" a.heard | tail -n 2
      grep -c "sending renew" a.log
      echo $(($(grep -c DHCPREQUEST dnsmasq.log) - $(grep -c "broadcasting \\(select\\|renew\\)" a.log)))
      stop`);
      // Counts the unicast requests that dnsmasq received, not the replies that udhcpc received:
      // udhcpc misses a reply that arrives before it closes its first socket, and then broadcasts.
      const [asked, arrived] = ["1", "1"];
      assert.deepEqual(heard, ["renew", "server=10.5.0.1", asked, arrived]);
    });
  }

  it("answers machines by broadcast and relays by unicast, from the address on their network", async () => {
    const heard = await lines(`
      ip link add br1 type bridge; ip link set br1 up; ip address add 10.6.0.1/24 dev br1
      ip link set to_b master br1
      for name in a b; do at $name ip link set lo up; done
      at a ip address add 10.5.0.9/24 dev eth0
      at b ip address add 10.6.0.9/24 dev eth0; at b ip address add 10.7.0.9/24 dev lo
      at b ip route add default via 10.6.0.1; ip route add 10.7.0.0/24 via 10.6.0.9
      serve --dhcp proxy --listen br0 --listen br1
      at a ip route add 255.255.255.255 dev eth0
      at a ${ask("0.0.0.0 68", "255.255.255.255", "0.0.0.0")}
      at a ${ask("10.5.0.9 67", "10.5.0.1", "10.5.0.9")}
      at b ${ask("10.7.0.9 67", "10.6.0.1", "10.7.0.9")}
      stop`);
    assert.deepEqual(heard, [
      "10.5.0.1:67 names 10.5.0.1",
      "10.5.0.1:67 names 10.5.0.1",
      "10.6.0.1:67 names 10.6.0.1",
    ]);
  });

  const machine = `at a ${ask("0.0.0.0 68", "255.255.255.255", "0.0.0.0")}`;
  const relay = `at a ${ask("10.5.0.9 67", "10.5.0.1", "10.5.0.9")}`;
  const answer = "10.5.0.1:67 names 10.5.0.1";
  const table: [name: string, sockets: string[], askers: string, heard: string[]][] = [
    [
      "one for all addresses and one for its own address",
      ["0.0.0.0:67", "10.5.0.1:67"],
      `${machine}; ${relay}`,
      [answer, answer],
    ],
    [
      "one for all IPv4 and IPv6 addresses and one for its own address",
      ["[::]:67", "10.5.0.1:67"],
      `${machine}; ${relay}`,
      [answer, answer],
    ],
    ["one for its own address only", ["10.5.0.1:67"], relay, [answer]],
  ];
  for (const [name, sockets, askers, heard] of table) {
    it(`uses sockets from systemd, ${name}, even after a restart`, async () => {
      const program = `${process.execPath} ${checkout}/bin/kairos-netboot.js`;
      const names = sockets.map(() => "dhcp").join(":");
      const listen = sockets.map((place) => `--listen ${place}`).join(" ");
      const printed = await lines(`
        at a ip address add 10.5.0.9/24 dev eth0; at a ip route add 255.255.255.255 dev eth0
        mkfifo asked.1 asked.2
        printf 'export LISTEN_PID=$$; exec "$@"' > handed-over
        cat > twice <<'END'
          for time in 1 2; do
            sh handed-over ${program} serve ${out} --state-dir state 2> log.$time & server=$!
            read _ < asked.$time
            kill -KILL $server
          done
END
        systemd-socket-activate --datagram --fdname ${names} ${listen} sh twice 2> activate.log &
        until_says activate.log "10.5.0.1:67"
        for time in 1 2; do ${askers}; echo > asked.$time; done`);
      assert.deepEqual(printed, [...heard, ...heard]);
    });
  }
});
