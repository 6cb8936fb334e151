import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findServedAddresses } from "../../../src/boot-server/net/interfaces.js";

describe("the addresses to serve", () => {
  const asked: Readonly<Record<string, string[]>> = {
    "an interface and its address": ["lo", "127.0.0.1"],
    "an address and its interface": ["127.0.0.1", "lo"],
    "an address twice": ["127.0.0.1", "127.0.0.1"],
  };
  for (const [name, wanted] of Object.entries(asked)) {
    it(`contain an address once if the user requests ${name}`, () => {
      const found = findServedAddresses(wanted).filter(({ address }) => address === "127.0.0.1");
      assert.deepEqual(found, [{ interface: "lo", address: "127.0.0.1", netmask: "255.0.0.0" }]);
    });
  }
});
