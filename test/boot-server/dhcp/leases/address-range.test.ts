import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  exampleRange,
  formatRange,
  parseRange,
} from "../../../../src/boot-server/dhcp/leases/address-range.js";

describe("an address range", () => {
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
    it(`is ${expected === undefined ? "not " : ""}${text}`, () => {
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
    it(`is suggested as ${expected} for the network mask ${netmask}`, () => {
      const own = { interface: "eth0", address: "192.168.77.1", netmask };
      assert.equal(formatRange(exampleRange(own)), expected);
    });
  }
});
