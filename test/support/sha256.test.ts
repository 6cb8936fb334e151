import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sha256Hex, sha256OfFile } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

/** FIPS 180-2, appendix B.1. */
const sha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

describe("SHA-256", () => {
  it("is the same for text, bytes, and a file with that content", async () => {
    const path = join(await temporaryDirectory(), "file");
    await writeFile(path, "abc");
    assert.equal(sha256Hex("abc"), sha256OfAbc);
    assert.equal(sha256Hex(Buffer.from("abc")), sha256OfAbc);
    assert.equal(await sha256OfFile(path), sha256OfAbc);
  });

  it("of a file stops when it is aborted", async () => {
    const path = join(await temporaryDirectory(), "file");
    await writeFile(path, "abc");
    await assert.rejects(sha256OfFile(path, AbortSignal.abort()), { name: "AbortError" });
  });
});
