import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseRange } from "../../../../src/boot-server/dhcp/leases/address-range.js";
import { LeasePool } from "../../../../src/boot-server/dhcp/leases/lease-pool.js";

const hourMs = 3_600_000;
/** Longer than the pool reserves an offered address. */
const longAfterOfferMs = 2 * 60_000;
const [a, b, c, d] = ["52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0c", "id 01"];

/** A pool of 10.0.0.10 to 10.0.0.12, with leases of an hour and an adjustable clock. */
function pool(range = "10.0.0.10-10.0.0.12", excluded: string[] = []) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const options = { range: parseRange(range)!, excluded, leaseMs: hourMs, now: () => clock.now };
  return { clock, pool: new LeasePool(options), again: () => new LeasePool(options) };
}

describe("the lease pool", () => {
  it("gives each client a different address, until all are in use", () => {
    const { pool: leases } = pool();
    const offers = [a, b, c, d].map((client) => leases.offer(client)?.address);
    assert.deepEqual(offers, ["10.0.0.10", "10.0.0.11", "10.0.0.12", undefined]);
  });

  it("gives a client the same address again, even after its lease ended", () => {
    const { pool: leases, clock } = pool();
    leases.offer(a);
    leases.offer(b);
    assert.equal(leases.lease(b, "10.0.0.11")?.until, clock.now + hourMs);
    assert.deepEqual(leases.offer(b), { address: "10.0.0.11", isHeld: true });
    clock.now += 2 * hourMs;
    assert.deepEqual(leases.offer(b), { address: "10.0.0.11", isHeld: false });
  });

  it("gives a client the address that it asks for if it is free", () => {
    const { pool: leases } = pool();
    assert.equal(leases.offer(a, "10.0.0.12")?.address, "10.0.0.12");
    assert.equal(leases.offer(b, "10.0.0.12")?.address, "10.0.0.10");
    assert.equal(leases.offer(c, "10.0.0.99")?.address, "10.0.0.11");
  });

  it("never gives out an excluded address", () => {
    const { pool: leases } = pool("10.0.0.10-10.0.0.11", ["10.0.0.10"]);
    assert.equal(leases.offer(a, "10.0.0.10")?.address, "10.0.0.11");
    assert.equal(leases.offer(b), undefined);
    assert.equal(leases.lease(b, "10.0.0.10"), undefined);
  });

  it("reuses an offered address before one that was leased", () => {
    const { pool: leases, clock } = pool("10.0.0.10-10.0.0.11");
    leases.offer(a);
    leases.lease(a, "10.0.0.10");
    leases.offer(b);
    assert.equal(leases.offer(c), undefined);
    clock.now += 2 * hourMs;
    assert.equal(leases.offer(c)?.address, "10.0.0.11");
  });

  it("reuses the address whose lease ended longest ago", () => {
    const { pool: leases, clock } = pool();
    for (const client of [b, a, c]) {
      const { address } = leases.offer(client)!;
      leases.lease(client, address);
      clock.now += 1000;
    }
    clock.now += 2 * hourMs;
    assert.equal(leases.offer(d)?.address, "10.0.0.10");
    assert.equal(leases.addressOf(b), undefined);
  });

  it("does not lease an address twice", () => {
    const { pool: leases } = pool();
    leases.lease(a, "10.0.0.11");
    assert.equal(leases.lease(b, "10.0.0.11"), undefined);
  });

  it("frees an address when the client that has it releases it, and no other client", () => {
    const { pool: leases } = pool("10.0.0.10-10.0.0.10");
    leases.lease(a, "10.0.0.10");
    assert.equal(leases.release(b, "10.0.0.10"), undefined);
    assert.equal(leases.release(a, "10.0.0.11"), undefined);
    assert.equal(leases.offer(b), undefined);
    assert.equal(leases.release(a, "10.0.0.10")?.client, a);
    assert.equal(leases.offer(b)?.address, "10.0.0.10");
  });

  it("frees an offered address when the client selects another server", () => {
    const { pool: leases } = pool("10.0.0.10-10.0.0.10");
    leases.offer(a);
    leases.withdraw(a);
    assert.equal(leases.offer(b)?.address, "10.0.0.10");
  });

  it("withholds an address that an unknown machine uses, for a while", () => {
    const { pool: leases, clock } = pool("10.0.0.10-10.0.0.10");
    leases.lease(a, "10.0.0.10");
    leases.hold("10.0.0.10", longAfterOfferMs);
    assert.equal(leases.offer(a), undefined);
    assert.equal(leases.lease(a, "10.0.0.10"), undefined);
    clock.now += longAfterOfferMs;
    assert.deepEqual(leases.offer(a), { address: "10.0.0.10", isHeld: false });
  });

  it("restores the leases of an earlier run, of which later ones win", () => {
    const { pool: leases, again, clock } = pool();
    leases.lease(a, "10.0.0.12", "alpha");
    const taken = again();
    const until = clock.now + hourMs;
    taken.restore({ client: b, address: "10.0.0.12", until, hostname: undefined });
    taken.restore({ client: a, address: "10.0.0.10", until, hostname: undefined });
    for (const lease of leases.leases()) taken.restore(lease);
    taken.restore({ client: d, address: "10.0.9.9", until, hostname: undefined });
    assert.deepEqual(
      [...taken.leases()],
      [{ client: a, address: "10.0.0.12", until, hostname: "alpha" }],
    );
    assert.equal(taken.addressOf(b), undefined);
  });

  it("never gives two clients the same address", () => {
    const clients = [a, b, c, d, "52:54:00:00:00:0e"];
    const addresses = ["10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13"];
    const step = fc.record({
      action: fc.constantFrom("offer", "take", "lease", "release", "hold", "restart"),
      client: fc.constantFrom(...clients),
      address: fc.constantFrom(...addresses),
      pause: fc.constantFrom(0, 0, 1000, longAfterOfferMs, hourMs / 2, 2 * hourMs),
    });
    const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { pool: first, again, clock } = pool();
      let leases = first;
      // The leases as the clients know them.
      const had = new Map<string, { client: string; until: number }>();
      const assertFree = (address: string, client: string) => {
        assert.notEqual(address, "10.0.0.13");
        const holder = had.get(address);
        if (holder === undefined || holder.until <= clock.now) return;
        assert.equal(holder.client, client, `${address} belongs to another client`);
      };
      const taken = (client: string, address: string) => {
        assertFree(address, client);
        for (const [other, holder] of had) if (holder.client === client) had.delete(other);
        had.set(address, { client, until: clock.now + hourMs });
      };
      for (const { action, client, address, pause } of steps) {
        clock.now += pause;
        if (action === "offer" || action === "take") {
          const offer = leases.offer(client, address);
          if (offer === undefined) continue;
          assertFree(offer.address, client);
          if (action === "offer") continue;
          assert.ok(leases.lease(client, offer.address), "a reserved address can be leased");
          taken(client, offer.address);
        } else if (action === "lease") {
          if (leases.lease(client, address) !== undefined) taken(client, address);
        } else if (action === "release") {
          leases.release(client, address);
          if (had.get(address)?.client === client) had.delete(address);
        } else if (action === "hold") {
          leases.hold(address, longAfterOfferMs);
          had.delete(address);
        } else {
          const old = [...leases.leases()];
          leases = again();
          for (const lease of old) leases.restore(lease);
        }
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
