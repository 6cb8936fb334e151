import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { OfferStyles } from "../../../src/boot-server/dhcp/offer-styles.js";

describe("the style of an offer", () => {
  const client = { mac: "52:54:00:aa:bb:01" } as BootClient;
  const times = (count: number, styles: OfferStyles) =>
    Array.from({ length: count }, () => styles.next(client));

  it("changes after three unanswered offers, and changes back after three more", () => {
    const styles = times(9, new OfferStyles());
    const [direct, port] = ["direct", "port-4011"] as const;
    assert.deepEqual(styles, [direct, direct, direct, port, port, port, direct, direct, direct]);
  });

  it("stays for a machine that accepted it, however often the machine restarts", () => {
    const styles = new OfferStyles();
    times(4, styles);
    for (let boot = 0; boot < 10; boot += 1) {
      styles.accepted(client.mac);
      assert.equal(styles.next(client), "port-4011");
    }
  });

  it("is reset after some minutes", () => {
    let now = 0;
    const styles = new OfferStyles(() => now);
    times(4, styles);
    now += 10 * 60 * 1000;
    assert.equal(styles.next(client), "direct");
  });
});
