import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isIntact } from "../../../src/sources/image-source/verify-slice.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { sha256 } from "../../support/image-layout.js";

describe("isIntact", () => {
  it("distinguishes wrong bytes from an interrupted check", async () => {
    const bytes = Buffer.from("kept");
    const path = join(await temporaryDirectory(), "blob");
    await writeFile(path, bytes);
    const right = { mediaType: "x", digest: sha256(bytes), size: bytes.length };
    const wrong = { ...right, digest: sha256(Buffer.from("other")) };
    const never = new AbortController().signal;
    assert.equal(await isIntact(path, right, never), true);
    assert.equal(await isIntact(path, wrong, never), false);
    await assert.rejects(isIntact(path, right, AbortSignal.abort()));
  });
});
