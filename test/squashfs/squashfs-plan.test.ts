import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type MksquashfsVersion,
  needsNewestMtime,
  parseCompression,
  planSquashfs,
  probeMksquashfs,
  type SquashfsFacts,
} from "../../src/squashfs/index.js";
import { NetbootError } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

/** The first line of `mksquashfs -version`. */
const versionLines = {
  "4.4": "mksquashfs version 4.4 (2019/08/29)",
  "4.5": "mksquashfs version 4.5 (2021/07/22)",
  "4.5.1": "mksquashfs version 4.5.1 (2022/03/17)",
  "4.6.1": "mksquashfs version 4.6.1 (2023/03/25)",
  "4.7.5": "mksquashfs version 4.7.5 (2025/11/18)",
  "4.10": "mksquashfs version 4.10 (2030/01/01)",
  "5.0": "mksquashfs version 5.0 (2031/01/01)",
  "4.5.1-2021/08/12": "mksquashfs version 4.5.1-2021/08/12 (2021/08/12)",
} as const;
type Version = keyof typeof versionLines;

const image = {
  compression: { compressor: "zstd", level: 3 },
  blockSize: 1024 * 1024,
  created: 1_700_000_000,
  newestMtime: 1_600_000_000,
  root: { mode: 0o755, uid: 0, gid: 0, mtime: 1_500_000_000, xattrs: new Map() },
} satisfies SquashfsFacts;

/** Options without a value (mksquashfs's manual). */
const flags = ["-tar", "-noappend", "-no-progress", "-quiet", "-Xhc"];

/** The options in every plan: a tar on standard input, a new file, no progress output. */
const always = {
  "-tar": true,
  "-noappend": true,
  "-no-progress": true,
  "-quiet": true,
};
const zstd = { "-b": "1048576", "-comp": "zstd", "-Xcompression-level": "3" };

describe("the version of mksquashfs", () => {
  for (const version of Object.keys(versionLines) as Version[]) {
    const isRefused = version === "4.4";
    it(`${version} is ${isRefused ? "refused because it cannot read a tar" : "accepted"}`, async () => {
      if (isRefused) await assert.rejects(probe(versionLines[version]), isTooOld(/4\.4.*4\.5/));
      else assert.equal((await probe(versionLines[version])).text, version);
    });
  }

  for (const output of ["", "mksquashfs version", "command not found", "version 4.6"]) {
    it(`${JSON.stringify(output)} is refused because it is not a version`, async () => {
      await assert.rejects(probe(output), isTooOld(/unknown version.*4\.5/));
    });
  }

  it("comes from the first mksquashfs on PATH", async () => {
    const [first, second] = [await fake(versionLines["4.6.1"]), await fake(versionLines["4.4"])];
    assert.equal((await probeIn(`${first}:${second}`)).path, join(first, "mksquashfs"));
  });
});

describe("the plan for mksquashfs", () => {
  for (const version of ["4.5", "4.5.1", "4.5.1-2021/08/12"] as const) {
    it(`${version} sets times with SOURCE_DATE_EPOCH alone, and the owner with the user who runs it`, async () => {
      const plan = planSquashfs(await probe(versionLines[version]), image);
      assert.deepEqual(parsed(plan.options), { ...always, ...zstd, "-root-mode": "0755" });
      assert.deepEqual(plan.environment, { SOURCE_DATE_EPOCH: "1700000000" });
      assert.deepEqual(plan.runAs, { uid: 0, gid: 0 });
    });

    it(`${version} needs the newest time, so that no file's time is clamped`, async () => {
      const at = await probe(versionLines[version]);
      assert.equal(needsNewestMtime(at), true);
      const epochFor = (created: number, newestMtime: number) =>
        planSquashfs(at, { ...image, created, newestMtime }).environment.SOURCE_DATE_EPOCH;
      assert.equal(epochFor(0, 1_600_000_000), "1600000000");
      assert.equal(epochFor(1_700_000_000, 0), "1700000000");
      assert.equal(epochFor(0, 0), "0");
      assert.equal(epochFor(0, 2 ** 33), String(2 ** 32 - 1));
      assert.equal(epochFor(-5, -1), "0");
    });

    it(`${version} is too old for a root directory with extended attributes`, async () => {
      const xattrs = new Map([["user.a", Buffer.from("b")]]);
      const at = await probe(versionLines[version]);
      const facts = { ...image, root: { ...image.root, xattrs } };
      assert.throws(() => planSquashfs(at, facts), isTooOld(/extended attributes/));
    });
  }

  for (const version of ["4.6.1", "4.7.5", "4.10", "5.0"] as const) {
    it(`${version} sets all attributes of the root directory with options alone`, async () => {
      const at = await probe(versionLines[version]);
      const root = { ...image.root, mode: 0o1750, uid: 4_000_000_000, gid: 5 };
      const plan = planSquashfs(at, { ...image, root });
      assert.deepEqual(parsed(plan.options), {
        ...always,
        ...zstd,
        "-root-mode": "1750",
        "-root-uid": "4000000000",
        "-root-gid": "5",
        "-root-time": "1500000000",
        "-mkfs-time": "1700000000",
      });
      assert.deepEqual(plan.environment, {});
      assert.equal(plan.runAs, undefined);
      assert.equal(needsNewestMtime(at), false);
    });

    it(`${version} sets extended attributes of the root directory in base64`, async () => {
      const xattrs = new Map([
        ["user.a", Buffer.from("b")],
        ["security.capability", Buffer.from([1, 0, 0, 2, 255])],
      ]);
      const plan = planSquashfs(await probe(versionLines[version]), {
        ...image,
        root: { ...image.root, xattrs },
      });
      assert.deepEqual(parsed(plan.options)["-p"], [
        "/ x user.a=0sYg==",
        "/ x security.capability=0sAQAAAv8=",
      ]);
    });
  }

  const compressions: [compression: string, bcjFilter: string | undefined, expected: object][] = [
    ["gzip", undefined, { "-comp": "gzip", "-Xcompression-level": "9" }],
    ["gzip:1", "x86", { "-comp": "gzip", "-Xcompression-level": "1" }],
    ["zstd:22", undefined, { "-comp": "zstd", "-Xcompression-level": "22" }],
    ["lzo", undefined, { "-comp": "lzo", "-Xcompression-level": "8" }],
    ["lz4", undefined, { "-comp": "lz4", "-Xhc": true }],
    ["xz", undefined, { "-comp": "xz" }],
    ["xz", "x86", { "-comp": "xz", "-Xbcj": "x86" }],
  ];
  for (const [compression, bcjFilter, expected] of compressions) {
    it(`passes ${compression}${bcjFilter ? ` with the filter ${bcjFilter}` : ""} to mksquashfs`, async () => {
      const plan = planSquashfs(await probe(versionLines["4.5.1"]), {
        ...image,
        blockSize: 131072,
        compression: parseCompression(compression),
        ...(bcjFilter === undefined ? {} : { bcjFilter }),
      });
      assert.deepEqual(parsed(plan.options), {
        ...always,
        "-b": "131072",
        "-root-mode": "0755",
        ...expected,
      });
    });
  }
});

/** Options with their values; a list for an option that may be repeated. */
function parsed(options: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (let index = 0; index < options.length; index += 1) {
    const name = options[index]!;
    if (flags.includes(name)) {
      found[name] = true;
      continue;
    }
    index += 1;
    const value = options[index]!;
    if (name === "-p") found[name] = [...((found[name] as string[]) ?? []), value];
    else if (name in found) assert.fail(`${name} is repeated`);
    else found[name] = value;
  }
  return found;
}

function isTooOld(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, "MKSQUASHFS_TOO_OLD");
    assert.equal(error.exitStatus, 5);
    assert.match(error.message, message);
    return true;
  };
}

/** A directory with a fake mksquashfs that only prints its version. */
async function fake(versionLine: string): Promise<string> {
  const directory = await temporaryDirectory();
  const path = join(directory, "mksquashfs");
  await writeFile(path, `#!/bin/sh\necho '${versionLine}'\n`);
  await chmod(path, 0o755);
  return directory;
}

async function probe(versionLine: string): Promise<MksquashfsVersion> {
  return probeIn(await fake(versionLine));
}

async function probeIn(path: string): Promise<MksquashfsVersion> {
  const before = process.env.PATH;
  process.env.PATH = `${path}:${before}`;
  try {
    return await probeMksquashfs();
  } finally {
    process.env.PATH = before;
  }
}
