import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OfferAddresses } from "../../../src/boot-server/dhcp/offer-addresses.js";

const on = (name: string, address: string) => {
  return { interface: name, address, netmask: "255.255.255.0" };
};
const named = (addresses: OfferAddresses) => addresses.current.map(({ address }) => address);

describe("the addresses that offers name", () => {
  it("are one per interface: the first one", () => {
    const addresses = new OfferAddresses([
      on("eth0", "192.0.2.1"),
      on("eth0", "198.51.100.1"),
      on("eth1", "203.0.113.1"),
    ]);
    assert.deepEqual(named(addresses), ["192.0.2.1", "203.0.113.1"]);
  });

  it("are in the network that the DHCP server assigns addresses of", () => {
    const addresses = new OfferAddresses([on("eth0", "192.0.2.1"), on("eth0", "198.51.100.1")]);
    addresses.learnAssigned("eth0", "198.51.100.57");
    assert.deepEqual(named(addresses), ["198.51.100.1"]);
    addresses.learnAssigned("eth0", "10.9.9.9");
    assert.deepEqual(named(addresses), ["192.0.2.1"]);
  });

  it("are link-local only if an interface has no other", () => {
    const link = on("eth0", "169.254.3.4");
    assert.deepEqual(named(new OfferAddresses([link, on("eth0", "192.0.2.1")])), ["192.0.2.1"]);
    assert.deepEqual(named(new OfferAddresses([link])), ["169.254.3.4"]);
  });
});
