import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { estimateMemory } from "../../src/artifacts/index.js";

describe("the memory that a machine needs", () => {
  const file = (size: number) => ({ size }) as never;
  it("has room for the squashfs, the initrd before and after unpacking, and a small system", () => {
    const release = { kernel: file(15e6), initrd: file(60e6), squashfs: file(1000e6) };
    const needed = estimateMemory(release);
    assert.ok(needed > 1.7e9 && needed < 2e9, String(needed));
  });
});
