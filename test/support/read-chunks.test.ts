import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readChunks } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

describe("reading a file in chunks", () => {
  const mebibyte = 1024 * 1024;

  const cases: [description: string, size: number, count: number | undefined, start: number][] = [
    ["nothing of an empty file", 0, undefined, 0],
    ["all of a file of one chunk", mebibyte, undefined, 0],
    ["all of a file of two and a half chunks", 2.5 * mebibyte, undefined, 0],
    ["no more than the requested bytes", 3 * mebibyte, mebibyte + 7, 11],
    ["the rest of the file, if fewer bytes are left than requested", 2 * mebibyte, 5 * mebibyte, 5],
    ["nothing if nothing was requested", 10, 0, 0],
  ];
  for (const [description, size, count, start] of cases) {
    it(`gives ${description}`, async () => {
      const content = randomBytes(size);
      const path = join(await temporaryDirectory(), "file");
      await writeFile(path, content);
      const parts: Buffer[] = [];
      for await (const chunk of readChunks(path, count, start)) {
        // A chunk stays valid until the next one is requested, even while that one is being read.
        await new Promise((resolve) => setTimeout(resolve, 5));
        parts.push(Buffer.from(chunk));
      }
      assert.ok(Buffer.concat(parts).equals(content.subarray(start, start + (count ?? Infinity))));
    });
  }

  it("closes the file if the reader stops early", async () => {
    const path = join(await temporaryDirectory(), "file");
    await writeFile(path, randomBytes(3 * mebibyte));
    for await (const chunk of readChunks(path)) {
      assert.equal(chunk.length, mebibyte);
      break;
    }
    const open = readdirSync("/proc/self/fd").map((fd) => linkOf(fd));
    assert.ok(!open.includes(path));
  });

  it("reports what cannot be read", async () => {
    const directory = await temporaryDirectory();
    const read = async (path: string) => {
      for await (const _ of readChunks(path)) assert.fail("there is nothing to read");
    };
    await assert.rejects(read(directory), { code: "EISDIR" });
    await assert.rejects(read(join(directory, "missing")), { code: "ENOENT" });
  });
});

/** Undefined if the descriptor has been closed since it was listed. */
function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(join("/proc/self/fd", fd));
  } catch {
    return undefined;
  }
}
