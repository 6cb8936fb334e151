import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { baseLayer } from "../support/base-layer.js";
import { baseName, imageOf } from "./support/images.js";
import { succeed } from "./support/run-netboot.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

const all = ["ZLIB", "LZ4", "LZO", "XZ", "ZSTD"];

interface Case {
  readonly name: string;
  /** Codecs that the kernel was built with, as its configuration spells them. */
  readonly kernel: readonly string[];
  readonly asked?: string;
  readonly codec: string;
  readonly warning?: RegExp;
}

const cases: readonly Case[] = [
  { name: "stays if the kernel can read it", kernel: all, codec: "zstd" },
  {
    name: "changes from zstd to gzip for a kernel without zstd, with a warning",
    kernel: ["ZLIB", "XZ"],
    codec: "gzip",
    warning: /zstd.*gzip/,
  },
  {
    name: "changes to gzip even if another one was requested",
    kernel: ["ZLIB", "ZSTD"],
    asked: "xz",
    codec: "gzip",
    warning: /xz.*gzip/,
  },
  {
    name: "changes from gzip to one that the kernel can read, with a warning",
    kernel: ["XZ", "ZSTD"],
    asked: "gzip",
    codec: "zstd",
    warning: /gzip.*zstd/,
  },
];

describe("the codec of the squashfs", () => {
  for (const { name, kernel, asked, codec, warning } of cases) {
    it(name, async () => {
      const options = kernel.map((word) => `CONFIG_SQUASHFS_${word}=y\n`);
      const image = await imageOf([
        baseLayer,
        [
          { name: "lib/modules/6.1.0/modules.dep", content: "kernel/a.ko:" },
          { name: "lib/modules/6.1.0/kernel/a.ko", content: "module" },
          { name: "boot/config-6.1.0", content: `CONFIG_SQUASHFS=m\n${options.join("")}` },
        ],
      ]);
      const output = join(await temporaryDirectory(), "out");
      const warnings: string[] = [];
      const { description } = await extract({
        image,
        output,
        platform: "amd64",
        compression: asked,
        onEvent: (event) => {
          if (event.type === "message" && event.level === "warning") warnings.push(event.text);
        },
      });
      const { stdout } = await succeed("unsquashfs", ["-s", join(output, `${baseName}.squashfs`)]);
      assert.equal(/^Compression (\w+)$/m.exec(stdout)?.[1], codec);
      assert.equal(description.squashfs.compression.split(":")[0], codec);
      assert.equal(warnings.length, warning === undefined ? 0 : 1, warnings.join());
      if (warning !== undefined) assert.match(warnings[0]!, warning);
    });
  }
});
