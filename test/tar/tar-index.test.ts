import assert from "node:assert/strict";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { display, FormatError, indexTar, isTar } from "../../src/tar/index.js";
import { succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { tar } from "../support/tar-builder.js";

describe("the index of a tar that GNU tar made finds the contents of each file, in the format", () => {
  for (const format of ["v7", "oldgnu", "gnu", "ustar", "pax"]) {
    it(format, async () => {
      const directory = await temporaryDirectory();
      const long = format === "v7" ? "d" : `${"long-".repeat(15)}/${"name-".repeat(15)}`;
      const contents = new Map([
        ["empty", ""],
        ["one block", "x".repeat(512)],
        ["ä", "a little more\n".repeat(100)],
        [`${long}/file`, "below"],
      ]);
      for (const [name, content] of contents) {
        await mkdir(join(directory, "tree", name, ".."), { recursive: true });
        await writeFile(join(directory, "tree", name), content);
      }
      const archive = join(directory, "archive.tar");
      await succeed("tar", [
        `--format=${format}`,
        "-C",
        join(directory, "tree"),
        "-cf",
        archive,
        ".",
      ]);
      assert.deepEqual(await filesOf(archive), contents);
      assert.equal(isTar((await readFile(archive)).subarray(0, 512)), true);
    });
  }
});

it("the index refuses an archive without an end", async () => {
  const archive = join(await temporaryDirectory(), "archive.tar");
  const whole = tar([{ name: "x", content: "x" }]);
  for (const length of [512, 1000, 1024, 1100]) {
    await writeFile(archive, whole.subarray(0, length));
    await assert.rejects(filesOf(archive), FormatError);
  }
});

async function filesOf(archive: string): Promise<Map<string, string>> {
  const bytes = await readFile(archive);
  const file = await open(archive);
  const found = new Map<string, string>();
  try {
    for await (const { entry, offset } of indexTar(file)) {
      if (entry.type !== "file") continue;
      const content = bytes.toString("utf8", offset, offset + entry.size);
      found.set(display(entry.name).replace(/^\.\//, ""), content);
    }
  } finally {
    await file.close();
  }
  return found;
}
