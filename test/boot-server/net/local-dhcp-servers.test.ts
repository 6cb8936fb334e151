import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  parseDhcpSockets,
  parsePacketSockets,
} from "../../../src/boot-server/net/local-dhcp-servers.js";

describe("what ss prints about DHCP servers of this machine", () => {
  it("names the program, its address and its interface", () => {
    // From iproute2 6.1, with busybox udhcpd, dnsmasq and Kea.
    const text = `UNCONN 0 0 0.0.0.0%eth0:67 0.0.0.0:* users:(("busybox",pid=12,fd=5))
UNCONN 0 0      0.0.0.0:67 0.0.0.0:* users:(("dnsmasq",pid=34,fd=4))
UNCONN 0 0    10.5.0.1:67 0.0.0.0:* users:(("kea-dhcp4",pid=56,fd=10),("kea-dhcp4",pid=57,fd=10))
UNCONN 0 0     10.5.0.2:67 0.0.0.0:*`;
    const sockets = parseDhcpSockets(text).map(({ name, pid, address, device }) =>
      [name, pid, address, device ?? "-"].join(" "),
    );
    assert.deepEqual(sockets, [
      "busybox 12 0.0.0.0 eth0",
      "dnsmasq 34 0.0.0.0 -",
      "kea-dhcp4 56 10.5.0.1 -",
      "kea-dhcp4 57 10.5.0.1 -",
    ]);
  });

  it("says which processes have a packet socket on an interface", () => {
    const text = `p_raw UNCONN 0 0 ip:eth0 * users:(("dhcpd",pid=12,fd=5))
p_raw UNCONN 0 0 *:eth1 * users:(("dhcpd",pid=34,fd=5))
p_dgr UNCONN 0 0 arp:* * users:(("arpd",pid=56,fd=3))`;
    assert.deepEqual([...parsePacketSockets(text, "eth0")], [12, 56]);
  });
});
