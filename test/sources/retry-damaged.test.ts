import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { retryRules } from "../../src/sources/image-source/retry-rules.js";
import { retryDamaged } from "../../src/sources/index.js";
import { type ErrorCode, NetbootError } from "../../src/support/index.js";
import { checkout } from "../support/checkout.js";

const failure = (code: ErrorCode, cause?: unknown) =>
  new NetbootError(code, `It is ${code}.`, "Wait.", { cause });

/** Runs a job that fails with these errors, one after the other, and then succeeds. */
async function runJob(errors: readonly NetbootError[]) {
  const reasons: string[] = [];
  let runs = 0;
  const result = await retryDamaged(
    async () => {
      const error = errors[runs];
      runs += 1;
      if (error !== undefined) throw error;
      return "done";
    },
    (text) => reasons.push(text),
  ).catch((error: NetbootError) => error);
  return { result, runs, reasons };
}

describe("a job that meets damaged blobs", () => {
  const damaged = failure("CACHE_DAMAGED");
  const mirror = failure("MIRROR_DAMAGED");

  it("is repeated once after damage in the cache, with the reason as a notice", async () => {
    const { result, runs, reasons } = await runJob([damaged]);
    assert.deepEqual([result, runs], ["done", 2]);
    assert.deepEqual(reasons, ["It is CACHE_DAMAGED. Fetching it again."]);
  });

  it("fails at the second damage in the cache", async () => {
    const { result, runs } = await runJob([damaged, damaged]);
    assert.deepEqual([result, runs], [damaged, 2]);
  });

  it("fails with the mismatch if the registry sent wrong bytes twice", async () => {
    const mismatch = failure("BLOB_MISMATCH");
    const { result } = await runJob([damaged, failure("CACHE_DAMAGED", mismatch)]);
    assert.equal(result, mismatch);
  });

  it("is repeated for each of five damaged mirrors, and no more", async () => {
    const five = Array.from({ length: 5 }, () => mirror);
    assert.equal((await runJob([...five, damaged])).result, "done");
    assert.equal((await runJob([...five, mirror])).result, mirror);
  });

  it("is not repeated after any other error", async () => {
    const other = failure("DISK_FULL");
    const { result, runs } = await runJob([other]);
    assert.deepEqual([result, runs], [other, 1]);
  });
});

describe("the table of retry rules", () => {
  for (const [name, { handledBy }] of Object.entries(retryRules)) {
    it(`names the file that follows ${name}`, () => {
      const text = readFileSync(join(checkout, "src/sources", handledBy), "utf8");
      const isCited = text.includes(`retryRules.${name}`);
      assert.ok(isCited, `${handledBy} does not mention retryRules.${name}`);
    });
  }
});
