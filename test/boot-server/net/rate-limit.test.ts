import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RateLimit } from "../../../src/boot-server/net/rate-limit.js";

describe("a rate limit with a burst of 3 and 2 requests per second", () => {
  const table: [name: string, times: number[], admitted: boolean[]][] = [
    ["admits a burst", [0, 0, 0], [true, true, true]],
    ["refuses the request after a burst", [0, 0, 0, 0], [true, true, true, false]],
    [
      "admits another request after half a second",
      [0, 0, 0, 0, 500],
      [true, true, true, false, true],
    ],
    ["refuses a request that comes sooner", [0, 0, 0, 400], [true, true, true, false]],
    [
      "never saves up more than the burst",
      [0, 60_000, 60_000, 60_000, 60_000],
      [true, true, true, true, false],
    ],
    [
      "does not count refused requests",
      [0, 0, 0, 100, 200, 300, 500],
      [true, true, true, false, false, false, true],
    ],
  ];
  for (const [name, times, admitted] of table) {
    it(name, () => {
      let now = 0;
      const limit = new RateLimit({ burst: 3, perSecond: 2 }, () => now);
      const seen = times.map((time) => {
        now = time;
        return limit.admits("10.0.0.1");
      });
      assert.deepEqual(seen, admitted);
    });
  }

  it("counts each client separately", () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1 }, () => 0);
    assert.deepEqual(
      ["a", "b", "a", "b"].map((client) => limit.admits(client)),
      [true, true, false, false],
    );
  });

  it("remembers at most ten thousand clients", () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1 }, () => 0);
    limit.admits("first");
    for (let index = 0; index < 10_000; index += 1) limit.admits(String(index));
    assert.equal(limit.admits("first"), true);
    assert.equal(limit.admits("9999"), false);
  });
});
