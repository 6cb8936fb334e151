import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LruMap } from "../../src/support/index.js";

describe("a map of limited size", () => {
  it("drops the key whose value was set the longest ago", () => {
    const map = new LruMap<string, number>(2);
    map.put("a", 1);
    map.put("b", 2);
    map.put("a", 3);
    map.put("c", 4);
    assert.deepEqual(
      [...map],
      [
        ["a", 3],
        ["c", 4],
      ],
    );
  });
});
