import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ExtractOptions, extract, NetbootError } from "../../src/index.js";
import { demoImage } from "./support/run-netboot.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

const wrong: { readonly [Option in keyof ExtractOptions]?: readonly ExtractOptions[Option][] } = {
  jobs: [0, 257, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY],
  name: ["", ".", "..", "a/b", "-x", "ä", "a b", "a\n", "x".repeat(201)],
  platform: ["", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "linux/am d64"],
  compression: ["", "bzip2", "xz:6", "zstd:0", "zstd:23", "lzma"],
  blockSize: ["", "2K", "2M", "100000", "1G"],
  output: [""],
  cacheDir: [""],
  image: ["", ":tag", "UPPER/case", "host/name:", "name@sha256:12", "https://host/name"],
};

describe("extract rejects, before it touches anything,", () => {
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values as readonly unknown[]) {
      it(`${option} of ${JSON.stringify(value)?.slice(0, 30)}`, async () => {
        const cwd = await temporaryDirectory();
        const good = { image: demoImage, output: join(cwd, "new/out"), platform: "amd64" };
        await assert.rejects(extract({ ...good, [option]: value }), (error) => {
          assert.ok(error instanceof NetbootError, String(error));
          assert.equal(error.exitStatus, 2, error.message);
          assert.match(error.message, /^[^\n]+\.$/);
          assert.match(error.hint, /^[^\n]+$/);
          return true;
        });
        assert.deepEqual(await readdir(cwd), []);
      });
    }
  }
});
