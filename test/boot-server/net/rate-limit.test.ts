import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RateLimit } from "../../../src/boot-server/net/rate-limit.js";

describe("a rate limit of 3 at once and 2 a second", () => {
  const table: [name: string, times: number[], admitted: boolean[]][] = [
    ["admits what comes at once", [0, 0, 0], [true, true, true]],
    ["refuses the one too many", [0, 0, 0, 0], [true, true, true, false]],
    ["admits again after half a second", [0, 0, 0, 0, 500], [true, true, true, false, true]],
    ["refuses sooner", [0, 0, 0, 400], [true, true, true, false]],
    [
      "never saves up more than 3",
      [0, 60_000, 60_000, 60_000, 60_000],
      [true, true, true, true, false],
    ],
    [
      "does not count who was refused",
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

  it("counts each client for itself", () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1 }, () => 0);
    assert.deepEqual(
      ["a", "b", "a", "b"].map((client) => limit.admits(client)),
      [true, true, false, false],
    );
  });

  it("remembers no more than ten thousand", () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1 }, () => 0);
    limit.admits("first");
    for (let index = 0; index < 10_000; index += 1) limit.admits(String(index));
    assert.equal(limit.admits("first"), true);
    assert.equal(limit.admits("9999"), false);
  });
});
