import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { classifyAddressUse } from "../../../../src/boot-server/dhcp/leases/conflict-detection.js";
import { type ArpEntry, parseArpTable } from "../../../../src/boot-server/net/arp-table.js";
import { mine, other } from "../../support/dhcp-messages.js";

describe("a probed address", () => {
  const text = `IP address       HW type     Flags       HW address            Mask     Device
10.77.0.50       0x1         0x2         52:54:00:00:00:02     *        eth0
10.77.0.51       0x1         0x0         00:00:00:00:00:00     *        eth0
`;
  const [entry, asked] = parseArpTable(text);
  assert.ok(entry);
  const known = entry;

  it("is an entry of the kernel's ARP table", () => {
    assert.deepEqual(entry, {
      address: "10.77.0.50",
      mac: other,
      interface: "eth0",
      isComplete: true,
    });
    assert.equal(asked?.isComplete, false);
    assert.deepEqual(parseArpTable(""), []);
  });

  const table: [
    name: string,
    before: ArpEntry | undefined,
    after: ArpEntry | undefined,
    expected: string,
  ][] = [
    ["is free if no machine answers", undefined, asked, "free"],
    ["is free if there is no ARP table", undefined, undefined, "free"],
    ["is used if a machine answers", undefined, entry, "used"],
    ["is used if a machine answers that did not answer before", asked, entry, "used"],
    ["is doubtful if the same machine was known before", entry, entry, "doubtful"],
    [
      "is used if a different machine was known before",
      { ...known, mac: "52:54:00:00:00:09" },
      entry,
      "used",
    ],
    ["is free if the known machine no longer answers", entry, asked, "free"],
  ];
  for (const [name, before, after, expected] of table) {
    it(name, () => assert.equal(classifyAddressUse(before, after, mine), expected));
  }

  it("is free if the asking machine uses it itself", () => {
    assert.equal(classifyAddressUse(entry, entry, other), "free");
  });
});
