import assert from "node:assert/strict";
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ExtractOptions, extract } from "../../src/extract/index.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { baseLayer } from "../support/base-layer.js";
import { addImage, imageOf, layoutOf } from "./support/images.js";
import { demoImage, demoName, succeed } from "./support/run-netboot.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

describe("a second run into the same directory", () => {
  const harmless: [name: string, options: Partial<ExtractOptions>][] = [
    ["the same options", {}],
    ["another number of jobs", { jobs: 1 }],
    ["no cache", { cache: false }],
    ["the defaults written out", { compression: "zstd:3", blockSize: "1024K" }],
    ["the same platform in another spelling", { platform: "linux/x86_64" }],
  ];
  for (const [name, options] of harmless) {
    it(`with ${name} does nothing`, async () => {
      const output = await extracted();
      const before = await stamps(output);
      const result = await run(output, options);
      assert.equal(result.isUnchanged, true);
      assert.deepEqual(await stamps(output), before);
    });
  }

  const different: [name: string, options: Partial<ExtractOptions>][] = [
    ["--force", { force: true }],
    ["another compression", { compression: "gzip" }],
    ["another level", { compression: "zstd:4" }],
    ["another block size", { blockSize: "128K" }],
    ["another name", { name: "other" }],
    ["another kernel", { kernel: "/boot/vmlinuz-0.1.0-demo" }],
    ["a URL", { url: "http://10.0.0.1" }],
    ["another initrd", { initrd: "/etc/issue" }],
  ];
  for (const [name, options] of different) {
    it(`with ${name} makes the files again, and removes the old ones`, async () => {
      const output = await extracted();
      const result = await run(output, options);
      assert.equal(result.isUnchanged, false);
      await succeed("sha256sum", ["-c", "--strict", "--quiet", "SHA256SUMS"], output);
      const names = Object.values(result.description.files).map((file) => file.name);
      const expected = [...names, "netboot.json", "provenance.json", "SHA256SUMS"].sort();
      assert.deepEqual((await readdir(output)).sort(), expected);
    });
  }

  const damages: [name: string, damage: (output: string) => Promise<void>][] = [
    [
      "a kernel with an additional byte",
      (output) => appendFile(join(output, `${demoName}-kernel`), "x"),
    ],
    ["an initrd with other bytes", (output) => overwrite(join(output, `${demoName}-initrd`))],
    ["a truncated squashfs", (output) => truncate(join(output, `${demoName}.squashfs`), 1000)],
    ["a squashfs with other bytes", (output) => overwrite(join(output, `${demoName}.squashfs`))],
    ["no kernel", (output) => rm(join(output, `${demoName}-kernel`))],
    [
      "a pipe in the place of the kernel",
      async (output) => {
        await rm(join(output, `${demoName}-kernel`));
        await succeed("mkfifo", [join(output, `${demoName}-kernel`)]);
      },
    ],
    ["no checksums", (output) => rm(join(output, "SHA256SUMS"))],
    ["other checksums", (output) => writeFile(join(output, "SHA256SUMS"), "")],
    ["a netboot.json with other bytes", (output) => appendFile(join(output, "netboot.json"), "\n")],
  ];
  for (const [name, damage] of damages) {
    it(`that finds ${name} makes the files again`, async () => {
      const output = await extracted();
      const before = await contents(output);
      await damage(output);
      const result = await run(output, {});
      assert.equal(result.isUnchanged, false);
      assert.deepEqual(await contents(output), before);
    });
  }

  it("makes new files if the tag names a new image", async () => {
    const content = new ImageContent();
    const reference = await layoutOf(content, addImage(content, [baseLayer]));
    const output = join(await temporaryDirectory(), "out");
    await run(output, { image: reference });
    const more = addImage(content, [baseLayer, [{ name: "more" }]]);
    await content.writeLayout(reference.slice("oci:".length, -":test".length), more, "test");
    const result = await run(output, { image: reference });
    assert.equal(result.isUnchanged, false);
    assert.equal(result.description.source.manifestDigest, more.digest);
  });

  it("from another image replaces all files", async () => {
    const output = await extracted();
    await run(output, { image: await imageOf([baseLayer]) });
    const names = await readdir(output);
    assert.deepEqual(
      names.filter((name) => name.startsWith(demoName)),
      [],
    );
    assert.equal(names.length, 7);
  });
});

async function extracted(): Promise<string> {
  const output = join(await temporaryDirectory(), "out");
  assert.equal((await run(output, {})).isUnchanged, false);
  return output;
}

function run(output: string, options: Partial<ExtractOptions>) {
  return extract({ image: demoImage, output, platform: "amd64", ...options });
}

async function overwrite(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[100]! ^= 0xff;
  await writeFile(path, bytes);
}

/** What changes when a file is written again. */
async function stamps(output: string) {
  const names = ["", ...(await readdir(output))];
  return Promise.all(
    names.map(async (name) => {
      const { ino, mtimeMs, ctimeMs } = await stat(join(output, name));
      return { name, ino, mtimeMs, ctimeMs };
    }),
  );
}

async function contents(output: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const name of (await readdir(output)).sort()) {
    all[name] = (await readFile(join(output, name))).toString("base64");
  }
  return all;
}
