import assert from "node:assert/strict";
import { chown, mkdir, readdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { type ExtractOptions, extract } from "../../src/extract/index.js";
import { assertRefusal } from "../cli/support/refusal.js";
import { baseName, imageOf, noise } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import {
  copyOfProgram,
  ordinaryUser,
  runProgram,
  succeed,
} from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";
import type { ArchivePart } from "../support/tar-builder.js";
import { listTree } from "../support/tree-listing.js";

/** CAP_NET_RAW, as setcap writes it (linux/capability.h, vfs_cap_data, version 2). */
const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** A sample of everything that an unprivileged tar cannot unpack. */
const variety: readonly ArchivePart[] = [
  { name: "./", type: "directory", mode: 0o751, mtime: 1_650_000_000 },
  { name: "bin/", type: "directory", uid: 2, gid: 3, mode: 0o2755 },
  {
    name: "bin/ping",
    content: "#!ping",
    mode: 0o4755,
    xattrs: { "security.capability": capability },
  },
  { name: "bin/ping4", type: "hardlink", link: "bin/ping" },
  { name: "bin/sh", type: "symlink", link: "/bin/../ping" },
  { name: "dev/", type: "directory" },
  { name: "dev/null", type: "character-device", mode: 0o666, device: [1, 3] },
  { name: "dev/sda", type: "block-device", mode: 0o660, gid: 6, device: [8, 0] },
  { name: "dev/pipe", type: "fifo", uid: 4_000_000_000, gid: 4_000_000_001 },
  { name: "home/", type: "directory", uid: 1000, gid: 1000, mode: 0o700 },
  { name: "home/note", content: "note", uid: 1000, gid: 1000, mode: 0o600, mtime: 1_234_567_890 },
  { name: "home/marked", content: "x", xattrs: { "user.mark": "yes", "trusted.x": "1" } },
  { name: Buffer.from("home/\xff\xfe", "latin1"), content: "a name that is not UTF-8" },
];

/** What unsquashfs has to restore of some of these files. */
const expected = {
  ".": { type: "directory", mode: "0751", owner: "0:0" },
  bin: { type: "directory", mode: "2755", owner: "2:3", mtime: 1_600_000_000 },
  "bin/ping": {
    type: "file",
    mode: "4755",
    owner: "0:0",
    mtime: 1_600_000_000,
    names: ["bin/ping", "bin/ping4"],
    xattrs: { "security.capability": capability.toString("hex") },
  },
  "bin/sh": { type: "symlink", target: "/bin/../ping", owner: "0:0" },
  "dev/null": { type: "character-device", mode: "0666", device: "1:3", owner: "0:0" },
  "dev/sda": { type: "block-device", mode: "0660", device: "8:0", owner: "0:6" },
  "dev/pipe": { type: "fifo", mode: "0644", owner: "4000000000:4000000001" },
  "home/note": { type: "file", mode: "0600", owner: "1000:1000", mtime: 1_234_567_890 },
  "home/marked": { xattrs: { "user.mark": "796573", "trusted.x": "31" } },
  "home/\xff\xfe": { type: "file", size: 24 },
} as const;

describe("the squashfs", () => {
  const settings = [
    { compression: "gzip", blockSize: "128K", expected: ["gzip", 131072] },
    { compression: "xz", blockSize: "1M", expected: ["xz", 1048576] },
    { compression: "lz4", blockSize: "4K", expected: ["lz4", 4096] },
    { compression: "lzo:1", blockSize: "64K", expected: ["lzo", 65536] },
    { compression: "zstd:1", blockSize: "256K", expected: ["zstd", 262144] },
    { compression: undefined, blockSize: undefined, expected: ["zstd", 1048576] },
  ];
  for (const { compression, blockSize, expected } of settings) {
    it(`with ${compression ?? "no option"} has the requested compressor and block size`, async () => {
      const path = await squashfsOf([baseLayer, variety], { compression, blockSize });
      const { stdout } = await succeed("unsquashfs", ["-s", path]);
      const compressor = /^Compression (\w+)$/m.exec(stdout)?.[1];
      assert.deepEqual([compressor, Number(/^Block size (\d+)$/m.exec(stdout)?.[1])], expected);
      const tree = await unpacked(path);
      assert.equal(tree["home/note"]?.size, 4);
    });
  }

  it("has the owners, modes, devices, links and attributes of the image", async () => {
    const tree = await unpacked(await squashfsOf([baseLayer, variety]));
    for (const [path, record] of Object.entries(expected)) {
      const actual = tree[path]!;
      const chosen = Object.keys(record).map((key) => [key, actual[key as keyof typeof actual]]);
      assert.deepEqual(Object.fromEntries(chosen), record, path);
    }
  });

  it("keeps all times even if the image claims that it was created in 1970", async () => {
    const layers = [baseLayer, [...variety, { name: "late", mtime: 1_900_000_000 }]];
    for (const created of ["1970-01-01T00:00:00Z", undefined, "0001-01-01T00:00:00Z"]) {
      const config = { created, history: undefined };
      const tree = await unpacked(await squashfsOf(layers, {}, { config }));
      assert.equal(tree.late?.mtime, 1_900_000_000);
      assert.equal(tree["home/note"]?.mtime, 1_234_567_890);
      assert.equal(tree["bin/ping"]?.mtime, 1_600_000_000);
    }
  });

  it("has the same bytes whatever the number of processors", async () => {
    const text = { name: "text", content: "some words that compress well\n".repeat(100_000) };
    const layers = [baseLayer, [...variety, noise("noise", 3_000_000), text]];
    const image = await imageOf(layers);
    const results = [];
    for (const jobs of [1, 2, undefined]) {
      results.push(await readFile(await squashfsFrom(image, { jobs })));
    }
    assert.ok(results[0]!.equals(results[1]!));
    assert.ok(results[0]!.equals(results[2]!));
  });

  it("does not depend on SOURCE_DATE_EPOCH in the environment", async () => {
    const image = await imageOf([baseLayer, variety]);
    const expectation = await readFile(await squashfsFrom(image, {}));
    const cwd = await temporaryDirectory();
    const args = ["extract", image, "-o", "out", "--platform=amd64"];
    const { status } = await runCommand(args, { cwd, env: { SOURCE_DATE_EPOCH: "1" } });
    assert.equal(status, 0);
    assert.ok(expectation.equals(await readFile(join(cwd, "out", `${baseName}.squashfs`))));
  });
});

describe("the squashfs that an unprivileged user makes", () => {
  let program: string;
  let programs: Record<"all" | "only fakeroot" | "neither", string>;
  before(async () => {
    program = await copyOfProgram();
    programs = {
      all: process.env.PATH!,
      "only fakeroot": await pathWithout("unshare"),
      neither: await pathWithout("unshare", "fakeroot"),
    };
  });

  const rootOwned = [...baseLayer, ...variety];
  const userOwned = [
    ...rootOwned,
    { name: "./", type: "directory", mode: 0o700, uid: 1000, gid: 100 },
  ] as const;

  const cases = [
    { name: "in a user namespace", path: "all", layer: rootOwned },
    {
      name: "in a user namespace, with a root directory that another user owns",
      path: "all",
      layer: userOwned,
    },
    {
      name: "with fakeroot if there are no user namespaces",
      path: "only fakeroot",
      layer: rootOwned,
    },
  ] as const;
  for (const { name, path, layer } of cases) {
    it(`has the same bytes as the one that root makes: ${name}`, async () => {
      const image = await imageOf([layer]);
      const asRoot = await readFile(await squashfsFrom(image, {}));
      const { cwd, outcome } = await asUser(image, programs[path]);
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.ok(asRoot.equals(await readFile(join(cwd, "out", `${baseName}.squashfs`))));
    });
  }

  it("is impossible without either; the error says what to install", async () => {
    const { cwd, outcome } = await asUser(await imageOf([rootOwned]), programs.neither);
    const [message, hint] = [/root directory/, /fakeroot/];
    assertRefusal(outcome, { status: 5, message, hint });
    assert.deepEqual(await readdir(cwd), []);
  });

  async function asUser(image: string, path: string) {
    // The user has to be able to read the layout.
    const cwd = await temporaryDirectory();
    const layout = await temporaryDirectory();
    await succeed("cp", [
      "-r",
      image.slice("oci:".length, -":test".length),
      join(layout, "layout"),
    ]);
    await succeed("chmod", ["-R", "a+rX", layout]);
    await chown(cwd, 65534, 65534);
    const args = ["extract", `oci:${layout}/layout:test`, "-o", "out", "--platform=amd64"];
    const options = { cwd, program, prefix: ordinaryUser, env: { PATH: path } };
    return { cwd, outcome: await runProgram(args, options) };
  }
});

async function squashfsOf(
  layers: readonly (readonly ArchivePart[])[],
  options: Partial<ExtractOptions> = {},
  imageOptions?: Parameters<typeof imageOf>[1],
): Promise<string> {
  return squashfsFrom(await imageOf(layers, imageOptions), options);
}

async function squashfsFrom(image: string, options: Partial<ExtractOptions>): Promise<string> {
  const output = join(await temporaryDirectory(), "out");
  await extract({ image, output, platform: "amd64", ...options });
  return join(output, `${baseName}.squashfs`);
}

async function unpacked(path: string) {
  const directory = join(await temporaryDirectory(), "tree");
  await succeed("unsquashfs", ["-quiet", "-no-progress", "-d", directory, path]);
  return listTree(directory);
}

/** A directory to use as PATH, with all programs except some. */
async function pathWithout(...missing: readonly string[]): Promise<string> {
  const directory = join(await sharedDirectory(), "bin");
  await mkdir(directory);
  await succeed("chmod", ["755", join(directory, "..")]);
  for (const place of ["/usr/bin", "/bin", "/usr/sbin"]) {
    for (const name of await readdir(place)) {
      if (!missing.includes(name))
        await symlink(join(place, name), join(directory, name)).catch(() => {});
    }
  }
  for (const name of missing) await rm(join(directory, name), { force: true });
  return directory;
}
