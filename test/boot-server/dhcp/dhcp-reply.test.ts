import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readBootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import {
  addressReply,
  informReply,
  nakReply,
  replyDestination,
} from "../../../src/boot-server/dhcp/dhcp-reply.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "../../../src/boot-server/dhcp/message.js";
import {
  bootFields,
  bootFromOffer,
  noBootFields,
} from "../../../src/boot-server/dhcp/pxe-fields.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { datagramsOf, decode } from "../support/capture.js";
import { type CraftedMessage, messageOf, network, server } from "../support/dhcp-messages.js";

describe("the destination of a reply (RFC 2131, section 4.1)", () => {
  const broadcast = "255.255.255.255:68";
  const table: [name: string, sent: CraftedMessage, isNak: boolean, expected: string][] = [
    ["is a broadcast if the client has no address", { type: "discover" }, false, broadcast],
    [
      "is a broadcast if the client asks for one",
      { type: "discover", broadcast: true },
      false,
      broadcast,
    ],
    [
      "is the address that the client has",
      { type: "request", ciaddr: "10.77.0.50" },
      false,
      "10.77.0.50:68",
    ],
    [
      "is a broadcast if the server refuses that address",
      { type: "request", ciaddr: "10.77.0.50" },
      true,
      broadcast,
    ],
    [
      "is the relay, if there is one",
      { type: "request", giaddr: "10.77.0.3" },
      false,
      "10.77.0.3:67",
    ],
    [
      "is the relay even if the server refuses the address",
      { type: "request", giaddr: "10.77.0.3", ciaddr: "10.77.0.50" },
      true,
      "10.77.0.3:67",
    ],
  ];
  for (const [name, sent, isNak, expected] of table) {
    it(name, () => {
      const { address, port } = replyDestination(messageOf(sent), isNak);
      assert.equal(`${address}:${port}`, expected);
    });
  }
});

describe("a reply, as tshark decodes it", () => {
  const settings = {
    network,
    leaseSeconds: 3600,
    router: "10.77.0.1",
    dns: ["10.77.0.1", "9.9.9.9"],
  };
  const lease = { address: "10.77.0.50", hostname: "node-1" };

  async function read(message: DhcpMessage): Promise<string> {
    const text = decode(formatDhcp(message), 67, join(await temporaryDirectory(), "reply.pcap"));
    assert.doesNotMatch(text, /malformed|unknown option|expert info/i);
    return text;
  }

  it("holds an address and the network parameters for a client that does not boot", async () => {
    const request = messageOf({ type: "discover", options: { 61: Buffer.from([1, 2, 3]) } });
    const text = await read(addressReply(request, "offer", lease, settings, noBootFields));
    const expected = [
      /DHCP: Offer \(2\)/,
      /Your \(client\) IP address: 10\.77\.0\.50/,
      /Next server IP address: 0\.0\.0\.0/,
      /Transaction ID: 0x01020304/,
      /DHCP Server Identifier: 10\.77\.0\.2/,
      /IP Address Lease Time: \(3600s?\)/,
      /Renewal Time Value: \(1800s?\)/,
      /Rebinding Time Value: \(3150s?\)/,
      /Subnet Mask: 255\.255\.255\.0/,
      /Broadcast Address: 10\.77\.0\.255/,
      /Router: 10\.77\.0\.1/,
      /Domain Name Server: 10\.77\.0\.1/,
      /Domain Name Server: 9\.9\.9\.9/,
      /Host Name: node-1/,
      /Option: \(61\)/,
    ];
    for (const one of expected) assert.match(text, one);
    assert.doesNotMatch(text, /Vendor class identifier|Boot file name: \S|Option: \(67\)/);
  });

  it("also says what to boot, for a client that asks", async () => {
    const { payload } = datagramsOf("ovmf-pxe-port-4011.pcap")[0]!;
    const request = parseDhcp(payload);
    const client = readBootClient(request);
    assert.ok("mac" in client);
    const fields = bootFields({
      client,
      request,
      server,
      bootFile: "snponly.efi",
      vendorSpecific: [bootFromOffer],
    });
    const text = await read(addressReply(request, "ack", lease, settings, fields));
    const expected = [
      /DHCP: ACK \(5\)/,
      /Your \(client\) IP address: 10\.77\.0\.50/,
      /Next server IP address: 10\.77\.0\.2/,
      /Boot file name: snponly\.efi/,
      /Vendor class identifier: PXEClient/,
      /PXE discovery control/,
      /TFTP Server Name: 10\.77\.0\.2/,
      /Bootfile name: snponly\.efi/,
      /Option: \(97\)/,
    ];
    for (const one of expected) assert.match(text, one);
  });

  it("holds neither an address nor times for a client that has an address", async () => {
    const request = messageOf({ type: "inform", ciaddr: "10.77.0.200" });
    const text = await read(informReply(request, settings, noBootFields));
    assert.match(text, /DHCP: ACK \(5\)/);
    assert.match(text, /Client IP address: 10\.77\.0\.200/);
    assert.match(text, /Your \(client\) IP address: 0\.0\.0\.0/);
    assert.match(text, /Subnet Mask: 255\.255\.255\.0/);
    assert.doesNotMatch(text, /Lease Time|Renewal|Rebinding/);
  });

  it("holds the reason for a refusal, and tells a relay to broadcast it", async () => {
    const request = messageOf({ type: "request", giaddr: "10.77.0.3", ciaddr: "10.9.9.9" });
    const text = await read(nakReply(request, server, "the address is in another network"));
    assert.match(text, /DHCP: NAK \(6\)/);
    assert.match(text, /Client IP address: 0\.0\.0\.0/);
    assert.match(text, /Your \(client\) IP address: 0\.0\.0\.0/);
    assert.match(text, /Bootp flags: 0x8000/);
    assert.match(text, /Message: the address is in another network/);
    assert.doesNotMatch(text, /Lease Time|Subnet Mask/);
  });

  it("omits the router and the DNS servers if there are none", async () => {
    const request = messageOf({ type: "discover" });
    const bare = { ...settings, router: undefined, dns: [] };
    const text = await read(addressReply(request, "offer", lease, bare, noBootFields));
    assert.doesNotMatch(text, /Option: \((3|6)\)/);
  });
});
