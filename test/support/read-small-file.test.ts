import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readSmallFile, tryReadSmallFile } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

describe("reading a small file", () => {
  it("returns the bytes of a file that is exactly as large as the limit", async () => {
    const path = await fileOf(Buffer.alloc(200_000, 7));
    assert.ok((await readSmallFile(path, 200_000)).equals(Buffer.alloc(200_000, 7)));
    assert.ok((await tryReadSmallFile(path, 200_000))?.equals(Buffer.alloc(200_000, 7)));
  });

  it("refuses a file that is one byte larger than the limit", async () => {
    const path = await fileOf(Buffer.alloc(200_001));
    await assert.rejects(readSmallFile(path, 200_000), { code: "EFBIG" });
    assert.equal(await tryReadSmallFile(path, 200_000), undefined);
  });

  it("stops reading a device that never ends", async () => {
    await assert.rejects(readSmallFile("/dev/zero"), { code: "EFBIG" });
    assert.equal(await tryReadSmallFile("/dev/zero"), undefined);
  });

  it("reports what the system says about a file that cannot be read", async () => {
    const directory = await temporaryDirectory();
    await assert.rejects(readSmallFile(join(directory, "missing")), { code: "ENOENT" });
    await assert.rejects(readSmallFile(directory), { code: "EISDIR" });
    assert.equal(await tryReadSmallFile(join(directory, "missing")), undefined);
    assert.equal(await tryReadSmallFile(directory), undefined);
  });

  it("does not wait for a pipe that nobody writes to, unless a user named it", async () => {
    const path = join(await temporaryDirectory(), "pipe");
    execFileSync("mkfifo", [path]);
    assert.equal(await tryReadSmallFile(path), undefined);
    const [bytes] = await Promise.all([readSmallFile(path), writeFile(path, "from a pipe")]);
    assert.equal(bytes.toString(), "from a pipe");
  });
});

async function fileOf(content: Buffer): Promise<string> {
  const path = join(await temporaryDirectory(), "file");
  await writeFile(path, content);
  return path;
}
