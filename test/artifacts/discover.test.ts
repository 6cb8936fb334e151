import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { discoverReleases, findUndescribedReleases } from "../../src/artifacts/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";

const published = join(checkout, "testdata/published/0.1.0");

/** An empty file for each path. */
async function directoryWith(paths: readonly string[]): Promise<string> {
  const directory = await temporaryDirectory();
  for (const path of paths) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), "");
  }
  return directory;
}

interface Case {
  readonly name: string;
  readonly paths: readonly string[];
  /** Kernel, initrd, and squashfs of each release; a missing one in parentheses. */
  readonly releases?: readonly string[];
  readonly error?: RegExp;
}

const cases: readonly Case[] = [
  {
    name: "finds releases under their usual names, side by side",
    paths: ["b.squashfs", "b-kernel", "b-initrd", "a-kernel", "a-initrd", "a.squashfs", "a.ipxe"],
    releases: ["a-kernel a-initrd a.squashfs a.ipxe", "b-kernel b-initrd b.squashfs"],
  },
  {
    name: "finds a kernel and an initrd that are the only ones beside a squashfs",
    paths: ["root.squashfs", "vmlinuz-6.1", "initrd.img", "README"],
    releases: ["vmlinuz-6.1 initrd.img root.squashfs"],
  },
  {
    name: "combines a usual name with a single initrd",
    paths: ["a.squashfs", "a-kernel", "initramfs"],
    releases: ["a-kernel initramfs a.squashfs"],
  },
  {
    name: "ignores hidden files and directories",
    paths: ["a.squashfs", "vmlinuz", ".vmlinuz.hmac", "initrd", "kernel/x"],
    releases: ["vmlinuz initrd a.squashfs"],
  },
  {
    name: "reports the third file of a release as missing",
    paths: ["a-kernel", "a.squashfs"],
    releases: ["a-kernel (a-initrd) a.squashfs"],
  },
  {
    name: "reports a missing squashfs",
    paths: ["a-kernel", "a-initrd"],
    releases: ["a-kernel a-initrd (a.squashfs)"],
  },
  { name: "finds nothing in an empty directory", paths: [], releases: [] },
  { name: "finds nothing without a squashfs", paths: ["vmlinuz", "initrd"], releases: [] },
  {
    name: "refuses to choose between two kernels",
    paths: ["x.squashfs", "vmlinuz", "vmlinuz-old", "initrd"],
    error: /several files with the name of a kernel: vmlinuz, vmlinuz-old/,
  },
  {
    name: "refuses a squashfs without an initrd",
    paths: ["x.squashfs", "vmlinuz"],
    error: /no file with the name of an initrd/,
  },
  {
    name: "refuses a squashfs that belongs to nothing, beside a release",
    paths: ["a.squashfs", "a-kernel", "a-initrd", "x.squashfs"],
    error: /several squashfs files, but neither x-kernel nor x-initrd for x\.squashfs/,
  },
];

describe("finding releases by file names", () => {
  for (const { name, paths, releases, error } of cases) {
    it(name, async () => {
      const directory = await directoryWith(paths);
      if (error !== undefined) {
        await assert.rejects(findUndescribedReleases(directory), error);
        return;
      }
      const found = await findUndescribedReleases(directory);
      const lines = found.map(({ files, missing }) =>
        [files.kernel, files.initrd, files.squashfs, files.script]
          .filter((file) => file !== undefined)
          .map((file) => (missing.includes(file) ? `(${file})` : file))
          .join(" "),
      );
      assert.deepEqual(lines, releases);
    });
  }
});

describe("discovering releases", () => {
  it("takes the names that netboot.json states", async () => {
    const [release, ...others] = await discoverReleases(published);
    assert.equal(others.length, 0);
    assert.equal(release?.directory, published);
    assert.equal(release?.netbootJson?.source.platform, "linux/amd64");
    assert.equal(release?.files.squashfs, `${release?.netbootJson?.name}.squashfs`);
  });

  it("finds what extract published in subdirectories, in the order of their names", async () => {
    const found = await discoverReleases(dirname(published));
    assert.deepEqual(
      found.map(({ directory }) => directory),
      [published],
    );
  });

  it("reports each path before it reads it", async () => {
    const paths: string[] = [];
    await discoverReleases(published, {
      beforeRead: async (path) => {
        paths.push(path);
      },
    });
    assert.deepEqual(paths, [published, join(published, "netboot.json")]);
  });

  const refusals: readonly [name: string, paths: readonly string[], error: RegExp][] = [
    ["an empty directory", [], /contains no netboot\.json and no squashfs/],
    ["an unreadable netboot.json", ["netboot.json", "a.squashfs"], /netboot\.json in .* cannot be/],
    ["a directory that is being published into", [".kairos-netboot-publishing"], /cannot be read/],
    ["a release without its initrd", ["a.squashfs", "a-kernel"], /a\.squashfs, but no a-initrd/],
  ];
  for (const [name, paths, error] of refusals) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(discoverReleases(await directoryWith(paths)), error);
    });
  }

  it("refuses a path without a directory", async () => {
    const directory = await directoryWith(["file"]);
    await assert.rejects(discoverReleases(join(directory, "none")), /There is no directory/);
    await assert.rejects(discoverReleases(join(directory, "file")), /it is a file/);
  });
});
