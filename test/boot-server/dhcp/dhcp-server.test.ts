import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { demoRelease } from "../../extract/support/demo-release.js";
import { datagramsOf } from "../support/capture.js";
import { dnsmasq, linesInDhcpLan } from "../support/dhcp-lan.js";

const range = "--dhcp server --dhcp-range 10.5.0.10-10.5.0.12";

/** Sends a request to port 4011 from port 4011, and prints the boot file and port of the reply. */
const askOnPort4011 = `
  const socket = require("node:dgram").createSocket("udp4").bind(4011, () =>
    socket.send(Buffer.from(process.argv[1], "hex"), 4011, "10.5.0.1"));
  socket.on("message", (bytes, { port }) => {
    const file = bytes.toString("latin1", 108, 236).replaceAll("\\0", "");
    console.log(\`\${file} from port \${port}\`); process.exit();
  });`;

describe("serve --dhcp server, in a network", { concurrency: 2, timeout: 300_000 }, () => {
  let out: string;
  before(async () => {
    out = await demoRelease();
  });

  const lines = (script: string) => linesInDhcpLan(out, script);

  it("gives udhcpc an address and the network parameters, renews the lease, and logs it once", async () => {
    const heard = await lines(`
      serve ${range} --dhcp-lease-time 30m --dhcp-router 10.5.0.1 --dhcp-dns 10.5.0.1 --dhcp-dns 9.9.9.9
      HEARD=a.heard; export HEARD
      at a busybox udhcpc -p a.pid -i eth0 -f -s ./action -x hostname:alpha > a.log 2>&1 &
      until_says a.heard bound
      renew a; kill $(cat a.pid); grep -v deconfig a.heard | uniq; grep "gets the address" log; stop`);
    const rest =
      "mask=255.255.255.0 router=10.5.0.1 dns=10.5.0.1 9.9.9.9 time=1800 server=10.5.0.1";
    assert.deepEqual(heard, [
      `bound 10.5.0.10 ${rest}`,
      `renew 10.5.0.10 ${rest}`,
      "02:00:00:00:00:0a  gets the address 10.5.0.10 (alpha)",
    ]);
  });

  it("gives each machine its own address, and the same one after a restart of the server", async () => {
    const heard = await lines(`
      serve ${range}; ask a; ask b; kill -KILL $server; wait $server 2> /dev/null
      printf '{"client":"02:00:00' >> state/leases
      serve ${range} --force-dhcp; ask b; ask c; ask a; stop`);
    const addresses = heard.map((line) => line.split(" ").slice(0, 2).join(" "));
    const first = ["bound 10.5.0.10", "bound 10.5.0.11"];
    assert.deepEqual(addresses, [
      ...first,
      "bound 10.5.0.11",
      "bound 10.5.0.12",
      "bound 10.5.0.10",
    ]);
  });

  it("gives a released address to the next machine, and logs when none is free", async () => {
    const heard = await lines(`
      serve --dhcp server --dhcp-range 10.5.0.10-10.5.0.10
      HEARD=a.heard; export HEARD
      at a busybox udhcpc -p a.pid -i eth0 -f -R -s ./action > a.log 2>&1 & client=$!
      until_says a.heard bound
      at b busybox udhcpc -i eth0 -f -n -q -t 1 -T 1 -s true > b.log 2>&1 || echo b got nothing
      kill $(cat a.pid); wait $client; ip neighbour flush dev br0
      ask b | cut -d " " -f 1,2; grep -m 1 "02:00:00:00:00:0b  gets no answer" log; stop`);
    assert.deepEqual(heard, [
      "b got nothing",
      "bound 10.5.0.10",
      "02:00:00:00:00:0b  gets no answer: all addresses of the range are in use",
    ]);
  });

  it("does not give out an address that another machine uses", async () => {
    const heard = await lines(`
      at b ip address add 10.5.0.10/24 dev eth0
      serve ${range}; ask a | cut -d " " -f 1,2; grep Warning log; stop`);
    assert.equal(heard[0], "bound 10.5.0.11");
    assert.match(heard[1]!, /10\.5\.0\.10 is in the range, but a machine uses it/);
  });

  it("works with dhclient, which gets the same address when it restarts", async () => {
    const dhclient = `at a dhclient -4 -1 -d -v -sf "$PWD/dhclient-action" -lf $PWD/a.leases -pf $PWD/a.pid eth0`;
    const heard = await lines(`
      printf '#!/bin/sh\\necho "$reason $new_ip_address" >> "${"$"}(dirname "$0")/heard"\\n' > dhclient-action
      chmod +x dhclient-action; : > a.leases
      serve ${range} --dhcp-dns 10.5.0.1; ask b > b.out
      for reason in BOUND REBOOT; do
        ${dhclient} > a.log 2>&1 & client=$!
        until_says heard $reason
        kill $(cat a.pid); wait $client
      done
      grep -v -e PREINIT -e MEDIUM heard; stop`);
    assert.deepEqual(heard, ["BOUND 10.5.0.11", "REBOOT 10.5.0.11"]);
  });

  it("refuses to start beside a DHCP server, except with --force-dhcp", async () => {
    const heard = await lines(`
      at c ip address add 10.5.0.2/24 dev eth0
      at c ${dnsmasq} --dhcp-range=10.5.0.50,10.5.0.60,1h > dnsmasq.log 2>&1 &
      serve ${range}; wait $server; echo status $?; cat log
      serve ${range} --force-dhcp; grep Warning log; stop`);
    const [status, message, hint, warning] = heard;
    assert.equal(status, "status 1");
    assert.match(message!, /Another DHCP server assigns addresses on br0: 10\.5\.0\.2\./);
    assert.match(hint!, /--dhcp proxy.*--force-dhcp/);
    assert.match(warning!, /Another DHCP server also assigns addresses on br0: 10\.5\.0\.2\./);
  });

  it("finds the other DHCP server even if a DHCP client of this machine holds port 68", async () => {
    const holder = `require("dgram").createSocket("udp4").bind(68, "0.0.0.0", () => console.log("has"))`;
    const heard = await lines(`
      at c ip address add 10.5.0.2/24 dev eth0
      at c ${dnsmasq} --dhcp-range=10.5.0.50,10.5.0.60,1h > dnsmasq.log 2>&1 &
      ${process.execPath} -e '${holder}' > holder & until_says holder has
      serve ${range}; wait $server; echo status $?; cat log`);
    assert.equal(heard[0], "status 1");
    assert.match(heard[1]!, /Another DHCP server assigns addresses on br0: 10\.5\.0\.2\./);
  });

  it("warns about a boot server that gives no addresses, and serves", async () => {
    const heard = await lines(`
      at c ip address add 10.5.0.2/24 dev eth0
      at c ${dnsmasq} --dhcp-range=10.5.0.0,proxy --pxe-service=x86-64_EFI,boot,other.efi > dnsmasq.log 2>&1 &
      serve ${range}; grep Warning log; ask a | cut -d " " -f 1,2; stop`);
    assert.match(heard[0]!, /Another boot server answers on br0: 10\.5\.0\.2\./);
    assert.equal(heard[1], "bound 10.5.0.10");
  });

  it("serves beside another instance on this machine, each in its own network", async () => {
    const heard = await lines(`
      ip link add br1 type bridge; ip link set br1 up; ip address add 10.6.0.1/24 dev br1
      serve ${range} --listen br0; cp log log.0
      serve --listen br1 --dhcp server --dhcp-range 10.6.0.10-10.6.0.12 --state-dir state.1 || cat log
      grep -e Serving -e Warning log | cut -d " " -f 1-3
      HEARD=a.heard; export HEARD
      at a busybox udhcpc -p a.pid -i eth0 -f -s ./action > a.log 2>&1 &
      until_says a.heard bound
      renew a; grep -v deconfig a.heard | cut -d " " -f 1,2 | uniq; stop`);
    // The first server offered .10 to the discovery of the second one.
    assert.deepEqual(heard, ["Serving on br1:", "bound 10.5.0.11", "renew 10.5.0.11"]);
  });

  it("refuses to use the leases of another running server", async () => {
    const heard = await lines(`
      ip link add br1 type bridge; ip link set br1 up; ip address add 10.6.0.1/24 dev br1
      serve ${range} --listen br0; cp log log.0
      serve --listen br1 --dhcp server --dhcp-range 10.6.0.10-10.6.0.12
      wait $server; echo status $?; cat log`);
    assert.equal(heard[0], "status 1");
    assert.match(heard[1]!, /Another running server uses the lease file \S+leases\.$/);
    assert.match(heard[2]!, /--state-dir/);
  });

  describe("with a machine that asks to boot", () => {
    const setUp = `
      mkdir ipxe; echo program > ipxe/snponly.efi
      printf '#!/bin/sh\\n[ "$1" != bound ] || echo "file=$boot_file name=$bootfile next=$siaddr" >> boots\\n' > boot-action
      chmod +x boot-action
      boot() { ask a -V PXEClient:Arch:00007:UNDI:003000 -x 0x5d:0007 -s ./boot-action > a.out; }`;

    it("sends the machine to port 4011 if the machines file says so, and answers there", async () => {
      const request = datagramsOf("ovmf-pxe-port-4011.pcap").find(({ to }) => to.port === 4011)!;
      const heard = await lines(`${setUp}
        printf 'machines: [{ match: { mac: "02:00:00:00:00:0a" }, offer-style: port-4011 }]' > machines.yaml
        serve ${range} --ipxe-dir ipxe --machines machines.yaml
        boot; cat boots; at a ip address replace 10.5.0.10/24 dev eth0
        at a ${process.execPath} -e '${askOnPort4011}' ${request.payload.toString("hex")}
        stop`);
      assert.deepEqual(heard, ["file= name= next=10.5.0.1", "snponly.efi from port 4011"]);
    });

    it("tries port 4011 with a machine that keeps asking", async () => {
      const heard = await lines(`${setUp}
        serve ${range} --ipxe-dir ipxe; for time in 1 2 3 4; do boot; done; cat boots; stop`);
      const told = "file=snponly.efi name=snponly.efi next=10.5.0.1";
      assert.deepEqual(heard, [told, told, told, "file= name= next=10.5.0.1"]);
    });
  });
});
