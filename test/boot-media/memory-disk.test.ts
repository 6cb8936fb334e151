import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { memoryDisk } from "../../src/boot-media/iso/memory-disk.js";
import { succeed } from "../extract/support/program.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

describe("memoryDisk", () => {
  const config = "echo hello\n".repeat(100);

  it("makes an archive that GRUB itself reads", async () => {
    const path = join(await temporaryDirectory(), "disk.tar");
    await writeFile(path, await memoryDisk("grub.cfg", config));
    const { stdout } = await succeed("grub-fstest", [path, "cat", "(loop0)/grub.cfg"]);
    assert.equal(stdout, config);
  });

  it("makes an archive without a time or a user", async () => {
    const path = join(await temporaryDirectory(), "disk.tar");
    await writeFile(path, await memoryDisk("grub.cfg", config));
    const { stdout } = await succeed("tar", ["--utc", "-tvf", path]);
    assert.match(stdout, /^-rw-r--r-- 0\/0 +1100 1970-01-01 00:00 grub\.cfg$/m);
  });
});
