import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DhcpDecision, decide } from "../../../src/boot-server/dhcp/dhcp-decision.js";
import { readDhcpRequest } from "../../../src/boot-server/dhcp/dhcp-request.js";
import { parseRange } from "../../../src/boot-server/dhcp/leases/address-range.js";
import { LeasePool } from "../../../src/boot-server/dhcp/leases/lease-pool.js";
import {
  type CraftedMessage,
  messageOf,
  mine,
  network,
  other,
  server,
} from "../support/dhcp-messages.js";

const range = parseRange("10.77.0.50-10.77.0.51")!;

/** A pool in which the first client has .50, and .51 is free. */
function newPool(): LeasePool {
  const pool = new LeasePool({ range, leaseMs: 3_600_000, now: () => 1_000_000 });
  pool.lease(mine, "10.77.0.50");
  return pool;
}

function answerOf(sent: CraftedMessage, pool = newPool()): DhcpDecision {
  const question = readDhcpRequest(messageOf(sent), network);
  return question.kind === "no-reply" ? question : decide(question, pool, { network, range });
}

describe("a DHCP server (RFC 2131, section 4.3)", () => {
  const answers: [name: string, sent: CraftedMessage, expected: string][] = [
    ["offers a client its own address", { type: "discover" }, "offer 10.77.0.50"],
    ["offers other clients a free address", { type: "discover", mac: other }, "offer 10.77.0.51"],
    [
      "does not offer another client's address, even on request",
      { type: "discover", mac: other, requested: "10.77.0.50" },
      "offer 10.77.0.51",
    ],
    [
      "grants an offered address that the client selects",
      { type: "request", server, requested: "10.77.0.50" },
      "ack 10.77.0.50",
    ],
    [
      "refuses the selection of another client's address",
      { type: "request", mac: other, server, requested: "10.77.0.50" },
      "nak",
    ],
    [
      "refuses the selection of an address outside the range",
      { type: "request", server, requested: "10.77.0.7" },
      "nak",
    ],
    [
      "ignores a request that selects another server",
      { type: "request", server: "10.77.0.1", requested: "10.77.0.50" },
      "no-reply",
    ],
    [
      "confirms the address of a client that restarts",
      { type: "request", requested: "10.77.0.50" },
      "ack 10.77.0.50",
    ],
    [
      "refuses a wrong address to a client that restarts",
      { type: "request", requested: "10.77.0.51" },
      "nak",
    ],
    [
      "refuses an address of another network to a client that restarts",
      { type: "request", mac: other, requested: "192.168.1.5" },
      "nak",
    ],
    [
      "ignores an unknown client that restarts",
      { type: "request", mac: other, requested: "10.77.0.51" },
      "no-reply",
    ],
    ["renews a lease", { type: "request", ciaddr: "10.77.0.50" }, "ack 10.77.0.50"],
    [
      "renews a forgotten lease if no other client has the address",
      { type: "request", mac: other, ciaddr: "10.77.0.51" },
      "ack 10.77.0.51",
    ],
    [
      "does not renew another client's address",
      { type: "request", mac: other, ciaddr: "10.77.0.50" },
      "nak",
    ],
    [
      "does not renew an address of another network",
      { type: "request", ciaddr: "10.9.9.9" },
      "nak",
    ],
    [
      "ignores the renewal of an address outside the range",
      { type: "request", ciaddr: "10.77.0.9" },
      "no-reply",
    ],
    ["ignores a request without an address", { type: "request" }, "no-reply"],
    ["ignores a selection without an address", { type: "request", server }, "no-reply"],
    ["answers an INFORM", { type: "inform", ciaddr: "10.77.0.200" }, "inform 10.77.0.200"],
    ["ignores an INFORM from another network", { type: "inform", ciaddr: "10.9.9.9" }, "no-reply"],
    [
      "takes a released address back",
      { type: "release", server, ciaddr: "10.77.0.50" },
      "released",
    ],
    [
      "ignores a RELEASE from another client",
      { type: "release", mac: other, server, ciaddr: "10.77.0.50" },
      "no-reply",
    ],
    [
      "does not reply to a DECLINE",
      { type: "decline", server, requested: "10.77.0.50" },
      "no-reply",
    ],
    ["ignores BOOTP", { type: undefined }, "no-reply"],
    [
      "ignores a relay in a network without a range",
      { type: "discover", giaddr: "10.9.9.9" },
      "no-reply",
    ],
    [
      "serves a relay in its own network",
      { type: "discover", giaddr: "10.77.0.3" },
      "offer 10.77.0.50",
    ],
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

  it("withholds a declined address for a while, and logs the conflict", () => {
    const pool = newPool();
    const declined = answerOf({ type: "decline", server, requested: "10.77.0.50" }, pool);
    assert.ok(declined.kind === "no-reply" && declined.isNotable);
    const next = answerOf({ type: "discover", requested: "10.77.0.50" }, pool);
    assert.ok(next.kind === "offer" && next.address === "10.77.0.51");
    // A DECLINE from another client has no effect.
    answerOf({ type: "decline", mac: other, server, requested: "10.77.0.51" }, pool);
    assert.equal(answerOf({ type: "discover" }, pool).kind, "offer");
  });

  it("offers an address to others after the client selects another server", () => {
    const pool = newPool();
    answerOf({ type: "discover", mac: other }, pool);
    assert.equal(answerOf({ type: "discover", mac: "52:54:00:00:00:03" }, pool).kind, "no-reply");
    answerOf({ type: "request", mac: other, server: "10.77.0.1", requested: "10.77.0.99" }, pool);
    const third = answerOf({ type: "discover", mac: "52:54:00:00:00:03" }, pool);
    assert.ok(third.kind === "offer" && third.address === "10.77.0.51");
  });

  it("gives one machine one address, whatever identifiers its firmware, iPXE, and system send", () => {
    const names = [undefined, "01525400000001", "ff00112233000200000ab1", "00"];
    for (const name of names) {
      const options: Record<number, Buffer> =
        name === undefined ? {} : { 61: Buffer.from(name, "hex") };
      const answer = answerOf({ type: "discover", options });
      assert.ok(answer.kind === "offer" && answer.address === "10.77.0.50");
    }
  });

  it("distinguishes clients without a hardware address by their identifiers", () => {
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
    it(`${expected ? "accepts" : "rejects"} ${JSON.stringify(value)} as a host name`, () => {
      const sent = messageOf({ type: "discover", options: { 12: Buffer.from(value) } });
      const question = readDhcpRequest(sent, network);
      assert.ok(question.kind !== "no-reply");
      assert.equal(question.hostname, expected);
    });
  }
});
