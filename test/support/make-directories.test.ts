import assert from "node:assert/strict";
import { stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeDirectories } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

describe("making directories", () => {
  it("creates all missing directories with the mode, and returns the first one", async () => {
    const base = await temporaryDirectory();
    const path = join(base, "one", "two", "three");
    assert.equal(await makeDirectories(path, 0o700), join(base, "one"));
    for (const made of [join(base, "one"), join(base, "one", "two"), path]) {
      const { mode } = await stat(made);
      assert.equal(mode & 0o7777, 0o700, made);
    }
    assert.equal(await makeDirectories(path), undefined);
  });

  it("follows links to directories", async () => {
    const base = await temporaryDirectory();
    await makeDirectories(join(base, "real"));
    await symlink("real", join(base, "link"));
    assert.equal(await makeDirectories(join(base, "link")), undefined);
    await makeDirectories(join(base, "link", "below"));
    assert.ok((await stat(join(base, "real", "below"))).isDirectory());
  });

  it("succeeds for all concurrent callers, and returns each directory to only one of them", async () => {
    const base = await temporaryDirectory();
    const path = join(base, "one", "two");
    const made = await Promise.all(Array.from({ length: 8 }, () => makeDirectories(path)));
    assert.ok((await stat(path)).isDirectory());
    assert.equal(made.filter((first) => first === join(base, "one")).length, 1);
  });

  it("fails immediately if the file system does not allow directories", async () => {
    await assert.rejects(makeDirectories("/proc/foo/x"), { code: "ENOENT" });
  });

  it("refuses a file or a dangling link at the path or above it", async () => {
    const base = await temporaryDirectory();
    await writeFile(join(base, "file"), "");
    await symlink("nothing", join(base, "dangling"));
    await assert.rejects(makeDirectories(join(base, "file")), { code: "EEXIST" });
    await assert.rejects(makeDirectories(join(base, "file", "x")), { code: "ENOTDIR" });
    await assert.rejects(makeDirectories(join(base, "dangling", "x")), { code: "EEXIST" });
  });
});
