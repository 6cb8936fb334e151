import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readBootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { type DhcpDecision, decide } from "../../../src/boot-server/dhcp/dhcp-decision.js";
import {
  addressReply,
  destinationOfReply,
  informReply,
  nakReply,
} from "../../../src/boot-server/dhcp/dhcp-reply.js";
import { readDhcpRequest } from "../../../src/boot-server/dhcp/dhcp-request.js";
import {
  exampleRange,
  formatRange,
  parseRange,
} from "../../../src/boot-server/dhcp/leases/address-range.js";
import { classifyAddressUse } from "../../../src/boot-server/dhcp/leases/conflict-detection.js";
import { LeasePool } from "../../../src/boot-server/dhcp/leases/lease-pool.js";
import { parseLeaseTime } from "../../../src/boot-server/dhcp/leases/lease-time.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "../../../src/boot-server/dhcp/message.js";
import {
  bootFields,
  bootFromOffer,
  noBootFields,
} from "../../../src/boot-server/dhcp/pxe-fields.js";
import { parseArpTable } from "../../../src/boot-server/net/arp-table.js";
import { defaultStateDirectory } from "../../../src/boot-server/state/state-directory.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { datagramsOf, decode } from "../support/capture.js";

const server = "10.77.0.2";
const network = { interface: "eth0", address: server, netmask: "255.255.255.0" };
const range = parseRange("10.77.0.50-10.77.0.51")!;
const [mine, other] = ["52:54:00:00:00:01", "52:54:00:00:00:02"];
const types = { discover: 1, request: 3, decline: 4, release: 7, inform: 8 } as const;

interface Sent {
  readonly type: keyof typeof types | undefined;
  readonly mac?: string;
  /** Options 50 and 54, and the fields of addresses. */
  readonly requested?: string;
  readonly server?: string;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  readonly broadcast?: boolean;
  readonly options?: Readonly<Record<number, Buffer>>;
}

function bytesOf(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

function messageOf(sent: Sent): DhcpMessage {
  const options = new Map<number, Buffer>();
  if (sent.type !== undefined) options.set(53, Buffer.from([types[sent.type]]));
  if (sent.requested !== undefined) options.set(50, bytesOf(sent.requested));
  if (sent.server !== undefined) options.set(54, bytesOf(sent.server));
  for (const [code, value] of Object.entries(sent.options ?? {})) options.set(Number(code), value);
  return {
    op: "request",
    hardwareType: 1,
    hops: 0,
    transactionId: 0x01020304,
    seconds: 4,
    flags: sent.broadcast ? 0x8000 : 0,
    clientAddress: sent.ciaddr ?? "0.0.0.0",
    yourAddress: "0.0.0.0",
    nextServer: "0.0.0.0",
    relayAddress: sent.giaddr ?? "0.0.0.0",
    hardwareAddress: Buffer.from((sent.mac ?? mine).replaceAll(":", ""), "hex"),
    serverName: "",
    bootFile: "",
    options,
  };
}

/** A pool in which the first client has .50, and nobody .51. */
function newPool(): LeasePool {
  const pool = new LeasePool({ range, leaseTime: 3_600_000, now: () => 1_000_000 });
  pool.lease(mine, "10.77.0.50");
  return pool;
}

function answerOf(sent: Sent, pool = newPool()): DhcpDecision {
  const question = readDhcpRequest(messageOf(sent), network);
  return question.kind === "no-reply" ? question : decide(question, pool, { network, range });
}

describe("a server that gives addresses (RFC 2131, section 4.3)", () => {
  const answers: [name: string, sent: Sent, expected: string][] = [
    ["offers a client its own address", { type: "discover" }, "offer 10.77.0.50"],
    ["offers others what is free", { type: "discover", mac: other }, "offer 10.77.0.51"],
    [
      "does not offer one client another's, also where that is wished for",
      { type: "discover", mac: other, requested: "10.77.0.50" },
      "offer 10.77.0.51",
    ],
    [
      "gives what was offered and is selected",
      { type: "request", server, requested: "10.77.0.50" },
      "ack 10.77.0.50",
    ],
    [
      "refuses the selection of another's address",
      { type: "request", mac: other, server, requested: "10.77.0.50" },
      "nak",
    ],
    [
      "refuses the selection of what it does not give",
      { type: "request", server, requested: "10.77.0.7" },
      "nak",
    ],
    [
      "is silent where another server is selected",
      { type: "request", server: "10.77.0.1", requested: "10.77.0.50" },
      "no-reply",
    ],
    [
      "confirms to a client that starts again what it has",
      { type: "request", requested: "10.77.0.50" },
      "ack 10.77.0.50",
    ],
    [
      "refuses to a client that starts again another address than its own",
      { type: "request", requested: "10.77.0.51" },
      "nak",
    ],
    [
      "refuses to a client that starts again an address of another network",
      { type: "request", mac: other, requested: "192.168.1.5" },
      "nak",
    ],
    [
      "is silent to a client that starts again and is not known",
      { type: "request", mac: other, requested: "10.77.0.51" },
      "no-reply",
    ],
    ["renews", { type: "request", ciaddr: "10.77.0.50" }, "ack 10.77.0.50"],
    [
      "renews also what was forgotten, where nobody else has it",
      { type: "request", mac: other, ciaddr: "10.77.0.51" },
      "ack 10.77.0.51",
    ],
    [
      "does not renew another's address",
      { type: "request", mac: other, ciaddr: "10.77.0.50" },
      "nak",
    ],
    ["does not renew one of another network", { type: "request", ciaddr: "10.9.9.9" }, "nak"],
    [
      "is silent to one that renews what another server gave",
      { type: "request", ciaddr: "10.77.0.9" },
      "no-reply",
    ],
    ["is silent to a request for nothing", { type: "request" }, "no-reply"],
    ["is silent to a selection of nothing", { type: "request", server }, "no-reply"],
    ["answers an INFORM", { type: "inform", ciaddr: "10.77.0.200" }, "inform 10.77.0.200"],
    [
      "is silent to an INFORM of another network",
      { type: "inform", ciaddr: "10.9.9.9" },
      "no-reply",
    ],
    ["takes an address back", { type: "release", server, ciaddr: "10.77.0.50" }, "released"],
    [
      "takes nothing back from a stranger",
      { type: "release", mac: other, server, ciaddr: "10.77.0.50" },
      "no-reply",
    ],
    ["is silent to a DECLINE", { type: "decline", server, requested: "10.77.0.50" }, "no-reply"],
    ["is silent to BOOTP", { type: undefined }, "no-reply"],
    [
      "is silent to a relay of a network without a range",
      { type: "discover", giaddr: "10.9.9.9" },
      "no-reply",
    ],
    ["serves a relay of its own", { type: "discover", giaddr: "10.77.0.3" }, "offer 10.77.0.50"],
  ];
  for (const [name, sent, expected] of answers) {
    it(name, () => {
      const answer = answerOf(sent);
      const address = "lease" in answer && answer.kind === "ack" ? answer.lease.address : undefined;
      const offered = "address" in answer ? answer.address : undefined;
      const words = [answer.kind, address ?? offered].filter(Boolean).join(" ");
      assert.equal(words, expected, JSON.stringify(answer));
    });
  }

  it("does not give a declined address again at once, and says so", () => {
    const pool = newPool();
    const declined = answerOf({ type: "decline", server, requested: "10.77.0.50" }, pool);
    assert.ok(declined.kind === "no-reply" && declined.isNotable);
    const next = answerOf({ type: "discover", requested: "10.77.0.50" }, pool);
    assert.ok(next.kind === "offer" && next.address === "10.77.0.51");
    // Another's word on it counts for nothing.
    answerOf({ type: "decline", mac: other, server, requested: "10.77.0.51" }, pool);
    assert.equal(answerOf({ type: "discover" }, pool).kind, "offer");
  });

  it("gives what it offered to others where the client chose another server", () => {
    const pool = newPool();
    answerOf({ type: "discover", mac: other }, pool);
    assert.equal(answerOf({ type: "discover", mac: "52:54:00:00:00:03" }, pool).kind, "no-reply");
    answerOf({ type: "request", mac: other, server: "10.77.0.1", requested: "10.77.0.99" }, pool);
    const third = answerOf({ type: "discover", mac: "52:54:00:00:00:03" }, pool);
    assert.ok(third.kind === "offer" && third.address === "10.77.0.51");
  });

  it("gives one machine one address, whatever firmware, iPXE and system call themselves", () => {
    const names = [undefined, "01525400000001", "ff00112233000200000ab1", "00"];
    for (const name of names) {
      const options: Record<number, Buffer> =
        name === undefined ? {} : { 61: Buffer.from(name, "hex") };
      const answer = answerOf({ type: "discover", options });
      assert.ok(answer.kind === "offer" && answer.address === "10.77.0.50");
    }
  });

  it("tells clients without a hardware address apart by their identifiers", () => {
    const pool = newPool();
    pool.release(mine, "10.77.0.50");
    const addresses = ["aa", "bb", "aa"].map((id) => {
      const message = { ...messageOf({ type: "discover" }), hardwareAddress: Buffer.alloc(0) };
      const options = new Map(message.options).set(61, Buffer.from(id, "hex"));
      const question = readDhcpRequest({ ...message, options }, network);
      assert.ok(question.kind !== "no-reply");
      const answer = decide(question, pool, { network, range });
      return answer.kind === "offer" ? answer.address : answer.kind;
    });
    assert.deepEqual(addresses, ["10.77.0.51", "10.77.0.50", "10.77.0.51"]);
  });

  const names: [value: string, expected: string | undefined][] = [
    ["node-1", "node-1"],
    ["node-1.example.org\0", "node-1.example.org"],
    ["\u001b[31mred", undefined],
    ["a b", undefined],
    ["", undefined],
  ];
  for (const [value, expected] of names) {
    it(`takes ${JSON.stringify(value)} ${expected ? "" : "not "}for a name`, () => {
      const sent = messageOf({ type: "discover", options: { 12: Buffer.from(value) } });
      const question = readDhcpRequest(sent, network);
      assert.ok(question.kind !== "no-reply");
      assert.equal(question.hostname, expected);
    });
  }
});

describe("an answer goes (RFC 2131, section 4.1)", () => {
  const everybody = "255.255.255.255:68";
  const table: [name: string, sent: Sent, isNak: boolean, expected: string][] = [
    ["to everybody, where the client has no address", { type: "discover" }, false, everybody],
    [
      "to everybody, where it asks for that",
      { type: "discover", broadcast: true },
      false,
      everybody,
    ],
    [
      "to the address that it has",
      { type: "request", ciaddr: "10.77.0.50" },
      false,
      "10.77.0.50:68",
    ],
    [
      "to everybody, if that is refused",
      { type: "request", ciaddr: "10.77.0.50" },
      true,
      everybody,
    ],
    ["to its relay", { type: "request", giaddr: "10.77.0.3" }, false, "10.77.0.3:67"],
    [
      "to its relay, also if it is refused",
      { type: "request", giaddr: "10.77.0.3", ciaddr: "10.77.0.50" },
      true,
      "10.77.0.3:67",
    ],
  ];
  for (const [name, sent, isNak, expected] of table) {
    it(name, () => {
      const { address, port } = destinationOfReply(messageOf(sent), isNak);
      assert.equal(`${address}:${port}`, expected);
    });
  }
});

describe("what tshark reads in an answer", () => {
  const settings = {
    network,
    leaseSeconds: 3600,
    router: "10.77.0.1",
    dns: ["10.77.0.1", "9.9.9.9"],
  };
  const lease = { address: "10.77.0.50", hostname: "node-1" };

  async function read(message: DhcpMessage): Promise<string> {
    const text = decode(formatDhcp(message), 67, join(await temporaryDirectory(), "answer.pcap"));
    assert.doesNotMatch(text, /malformed|unknown option|expert info/i);
    return text;
  }

  it("is an address and the network, for a client that does not boot", async () => {
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

  it("is what to boot as well, for one that does", async () => {
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

  it("is no address and no time, for one that has an address", async () => {
    const request = messageOf({ type: "inform", ciaddr: "10.77.0.200" });
    const text = await read(informReply(request, settings, noBootFields));
    assert.match(text, /DHCP: ACK \(5\)/);
    assert.match(text, /Client IP address: 10\.77\.0\.200/);
    assert.match(text, /Your \(client\) IP address: 0\.0\.0\.0/);
    assert.match(text, /Subnet Mask: 255\.255\.255\.0/);
    assert.doesNotMatch(text, /Lease Time|Renewal|Rebinding/);
  });

  it("is a refusal with its reason, which a relay is to broadcast", async () => {
    const request = messageOf({ type: "request", giaddr: "10.77.0.3", ciaddr: "10.9.9.9" });
    const text = await read(nakReply(request, server, "the address is of another network"));
    assert.match(text, /DHCP: NAK \(6\)/);
    assert.match(text, /Client IP address: 0\.0\.0\.0/);
    assert.match(text, /Your \(client\) IP address: 0\.0\.0\.0/);
    assert.match(text, /Bootp flags: 0x8000/);
    assert.match(text, /Message: the address is of another network/);
    assert.doesNotMatch(text, /Lease Time|Subnet Mask/);
  });

  it("without router and DNS has neither", async () => {
    const request = messageOf({ type: "discover" });
    const bare = { ...settings, router: undefined, dns: [] };
    const text = await read(addressReply(request, "offer", lease, bare, noBootFields));
    assert.doesNotMatch(text, /Option: \((3|6)\)/);
  });
});

describe("an address that is looked at", () => {
  const text = `IP address       HW type     Flags       HW address            Mask     Device
10.77.0.50       0x1         0x2         52:54:00:00:00:02     *        eth0
10.77.0.51       0x1         0x0         00:00:00:00:00:00     *        eth0
`;
  const [entry, asked] = parseArpTable(text);

  it("stands in the kernel's table", () => {
    assert.deepEqual(entry, {
      address: "10.77.0.50",
      mac: other,
      interface: "eth0",
      isComplete: true,
    });
    assert.equal(asked?.isComplete, false);
    assert.deepEqual(parseArpTable(""), []);
  });

  const table: [name: string, before: typeof entry, after: typeof entry, expected: string][] = [
    ["is free where nobody answers", undefined, asked, "free"],
    ["is free where there is no table", undefined, undefined, "free"],
    ["is used where somebody answers", undefined, entry, "used"],
    ["is used where somebody answers who was asked in vain before", asked, entry, "used"],
    ["is doubtful where somebody was known before", entry, entry, "doubtful"],
    [
      "is used where another one was known before",
      { ...entry!, mac: "52:54:00:00:00:09" },
      entry,
      "used",
    ],
    ["is free where the one who was known is gone", entry, asked, "free"],
  ];
  for (const [name, before, after, expected] of table) {
    it(name, () => assert.equal(classifyAddressUse(before, after, mine), expected));
  }

  it("is free where the machine that asks has it itself", () => {
    assert.equal(classifyAddressUse(entry, entry, other), "free");
  });
});

describe("an option's value", () => {
  const ranges: [text: string, expected: string | undefined][] = [
    ["10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"],
    ["192.168.1.5-192.168.1.5", "192.168.1.5-192.168.1.5"],
    ["10.0.0.9-10.0.0.1", undefined],
    ["10.0.0.1", undefined],
    ["10.0.0.1-9", undefined],
    ["10.0.0.1-10.0.0.256", undefined],
    ["10.0.0.1-10.0.0.2-10.0.0.3", undefined],
  ];
  for (const [text, expected] of ranges) {
    it(`${text} is ${expected === undefined ? "no" : "a"} range`, () => {
      const read = parseRange(text);
      assert.equal(read && formatRange(read), expected);
    });
  }

  const examples: [netmask: string, expected: string][] = [
    ["255.255.255.0", "192.168.77.100-192.168.77.199"],
    ["255.255.0.0", "192.168.0.100-192.168.0.199"],
    ["255.255.255.240", "192.168.77.8-192.168.77.14"],
    ["255.255.255.252", "192.168.77.2-192.168.77.2"],
  ];
  for (const [netmask, expected] of examples) {
    it(`${expected} is an example for the network mask ${netmask}`, () => {
      const own = { interface: "eth0", address: "192.168.77.1", netmask };
      assert.equal(formatRange(exampleRange(own)), expected);
    });
  }

  const times: [text: string, expected: number | undefined][] = [
    ["90", 90],
    ["90s", 90],
    ["30m", 1800],
    ["12h", 43_200],
    ["7d", 604_800],
    ["59", undefined],
    ["366d", undefined],
    ["1w", undefined],
    ["-5m", undefined],
    ["", undefined],
    ["1.5h", undefined],
  ];
  for (const [text, expected] of times) {
    it(`${JSON.stringify(text)} is ${expected ?? "no"} seconds`, () => {
      assert.equal(parseLeaseTime(text), expected);
    });
  }

  const places: [environment: NodeJS.ProcessEnv, expected: RegExp][] = [
    [{ STATE_DIRECTORY: "/var/lib/x", XDG_STATE_HOME: "/state" }, /^\/var\/lib\/x$/],
    [{ STATE_DIRECTORY: "/var/lib/x:/var/lib/y" }, /^\/var\/lib\/x$/],
    [{ XDG_STATE_HOME: "/state" }, /^\/state\/kairos-netboot$/],
    [{ XDG_STATE_HOME: "relative" }, /^\/.+\/\.local\/state\/kairos-netboot$/],
    [{}, /^\/.+\/\.local\/state\/kairos-netboot$/],
  ];
  for (const [environment, expected] of places) {
    it(`of ${JSON.stringify(environment)} names the directory for what is remembered`, () => {
      assert.match(defaultStateDirectory(environment), expected);
    });
  }
});
