import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { assertRefusal } from "../cli/support/refusal.js";
import { baseName, baseWithout, imageOf } from "../extract/support/images.js";
import { cannotMount, mountBind, mountTmpfs } from "../extract/support/mounts.js";
import { runCommand } from "../extract/support/run-command.js";
import {
  copyOfProgram,
  demoImage,
  demoName,
  ordinaryUser,
  runProgram,
  succeed,
} from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";

const extractDemo = (output: string, more: readonly string[] = []) => [
  ...["extract", demoImage, "-o", output, "--platform=amd64", "--quiet"],
  ...more,
];

describe("publishing replaces", () => {
  const places: [name: string, output: string, prepare?: (cwd: string) => Promise<unknown>][] = [
    ["absent", "out"],
    ["absent with its parents", "some/where/out"],
    ["an empty directory", "out", (cwd) => mkdir(join(cwd, "out"))],
    ["written with a slash at its end", "out/"],
    ["written with dots", "./some/../out"],
    ["the current directory", "."],
    ["named like nothing that a shell would like", "a b\n'\"$ä"],
    [
      "the output for another image",
      "out",
      async (cwd) => makeOutput(join(cwd, "out"), await imageOf([baseLayer])),
    ],
  ];
  for (const [name, output, prepare] of places) {
    it(name, async () => {
      const cwd = join(await temporaryDirectory(), "work");
      await mkdir(cwd);
      await prepare?.(cwd);
      const { status, stderr } = await runCommand(extractDemo(output), { cwd });
      assert.equal(status, 0, stderr);
      await assertWhole(join(cwd, output));
      const left = (await readdir(dirname(join(cwd, output)))).filter((each) => each[0] === ".");
      assert.deepEqual(left, []);
    });
  }

  it("the current directory with the output for another image", async () => {
    const cwd = join(await temporaryDirectory(), "work");
    await makeOutput(cwd, await imageOf([baseLayer]));
    const { status, stderr } = await runCommand(extractDemo("."), { cwd });
    assert.equal(status, 0, stderr);
    await assertWhole(cwd);
  });

  for (const output of ["out", "."]) {
    it(`earlier output whose netboot.json is damaged, as ${output}`, async () => {
      const cwd = join(await temporaryDirectory(), "work");
      const place = join(cwd, output);
      await makeOutput(place, await imageOf([baseLayer]));
      await writeFile(join(place, "netboot.json"), "");
      const { status, stderr } = await runCommand(extractDemo(output), { cwd });
      assert.equal(status, 0, stderr);
      await assertWhole(place);
    });
  }

  it("the target of a link to a directory, and keeps the link", async () => {
    const cwd = await temporaryDirectory();
    await makeOutput(join(cwd, "real"), await imageOf([baseLayer]));
    await symlink("real", join(cwd, "out"));
    const { status, stderr } = await runCommand(extractDemo("out"), { cwd });
    assert.equal(status, 0, stderr);
    assert.equal(await readlink(join(cwd, "out")), "real");
    await assertWhole(join(cwd, "real"));
    assert.deepEqual((await readdir(cwd)).sort(), ["out", "real"]);
  });

  const isRoot = process.geteuid?.() === 0;
  const rights: [name: string, prepare: (output: string) => Promise<unknown>][] = [
    ["an empty directory", (output) => mkdir(output)],
    ["earlier output", async (output) => makeOutput(output, await imageOf([baseLayer]))],
  ];
  it("earlier output with the longest possible name", async () => {
    const cwd = await temporaryDirectory();
    const name = "n".repeat(255);
    await makeOutput(join(cwd, name), await imageOf([baseLayer]));
    await makeOutput(join(cwd, name), demoImage);
    await assertWhole(join(cwd, name));
    assert.deepEqual(await readdir(cwd), [name]);
  });

  for (const [name, prepare] of rights) {
    it(`${name}, and keeps owner and mode`, async () => {
      const output = join(await temporaryDirectory(), "out");
      await prepare(output);
      if (isRoot) await chown(output, 65534, 65533);
      await chmod(output, 0o2750);
      const before = await stat(output);
      await makeOutput(output, demoImage);
      const { uid, gid, mode } = await stat(output);
      assert.deepEqual([uid, gid, mode], [before.uid, before.gid, before.mode]);
      await assertWhole(output);
    });
  }

  describe("a mount point", { skip: cannotMount }, () => {
    it("of another file system", async () => {
      const cwd = await temporaryDirectory();
      await mountTmpfs(join(cwd, "out"), 10_000_000);
      const { status, stderr } = await runCommand(extractDemo("out"), { cwd });
      assert.equal(status, 0, stderr);
      await assertWhole(join(cwd, "out"));
    });

    it("of another file system, with the output for another image", async () => {
      const cwd = await temporaryDirectory();
      await mountTmpfs(join(cwd, "out"), 10_000_000);
      await makeOutput(join(cwd, "out"), await imageOf([baseLayer]));
      const { status, stderr } = await runCommand(extractDemo("out"), { cwd });
      assert.equal(status, 0, stderr);
      await assertWhole(join(cwd, "out"));
    });

    it("of another directory (bind mount)", async () => {
      const cwd = await temporaryDirectory();
      await makeOutput(join(cwd, "real"), await imageOf([baseLayer]));
      await mountBind(join(cwd, "real"), join(cwd, "out"));
      const { status, stderr } = await runCommand(extractDemo("out"), { cwd });
      assert.equal(status, 0, stderr);
      await assertWhole(join(cwd, "real"));
      assert.deepEqual((await readdir(cwd)).sort(), ["out", "real"]);
    });
  });
});

describe("an ordinary user", () => {
  let program: string;
  before(async () => {
    program = await copyOfProgram();
  });

  /** A directory that root owns, mode 0755, with a home for the user in it. */
  async function place(): Promise<{ cwd: string; home: string }> {
    const cwd = await temporaryDirectory();
    await chmod(cwd, 0o755);
    return { cwd, home: await ownedByUser(join(cwd, "home")) };
  }

  async function ownedByUser(directory: string): Promise<string> {
    await mkdir(directory, { recursive: true });
    await chown(directory, 65534, 65534);
    return directory;
  }

  const run = ({ cwd, home }: { cwd: string; home: string }, args: readonly string[]) =>
    runProgram(args, { cwd, program, prefix: ordinaryUser, env: { HOME: home } });

  it("can publish into their directory in a parent of another user", async () => {
    const at = await place();
    await ownedByUser(join(at.cwd, "out"));
    for (const more of [[], ["--force"]]) {
      const { status, stderr } = await run(at, extractDemo("out", more));
      assert.equal(status, 0, stderr);
      await assertWhole(join(at.cwd, "out"));
    }
  });

  it("can publish into a world-writable directory of another user in a sticky parent", async () => {
    const at = await place();
    await chmod(at.cwd, 0o1777);
    await mkdir(join(at.cwd, "out"));
    await chmod(join(at.cwd, "out"), 0o777);
    const { status, stderr } = await run(at, extractDemo("out"));
    assert.equal(status, 0, stderr);
    await assertWhole(join(at.cwd, "out"));
  });

  it("can publish beside the leftovers of another user", async () => {
    const at = await place();
    await chmod(at.cwd, 0o1777);
    const left = join(at.cwd, ".kairos-netboot-other-123456");
    await mkdir(join(left, "scratch"), { recursive: true });
    await succeed("touch", ["-d", "3 days ago", left]);
    const { status, stderr } = await run(at, extractDemo("out"));
    assert.equal(status, 0, stderr);
    await assertWhole(join(at.cwd, "out"));
  });

  const refused: [name: string, output: string][] = [
    ["absent in a parent that is not theirs", "out"],
    ["below a parent that is not theirs", "new/out"],
    ["another's directory in another's parent", "theirs"],
  ];
  for (const [name, output] of refused) {
    it(`cannot publish into ${name}`, async () => {
      const at = await place();
      await mkdir(join(at.cwd, "theirs"));
      const outcome = await run(at, extractDemo(output));
      const [message, hint] = [/output directory .* \(EACCES\)/, /--output/];
      assertRefusal(outcome, { status: 1, message, hint });
      assert.deepEqual((await readdir(at.cwd)).sort(), ["home", "theirs"]);
    });
  }
});

describe("publishing refuses", () => {
  for (const more of [[], ["--force"]]) {
    it(`a directory with foreign files ${more.join()}`, async () => {
      const cwd = await temporaryDirectory();
      await mkdir(join(cwd, "out/deep"), { recursive: true });
      await writeFile(join(cwd, "out/thesis.tex"), "precious");
      await writeFile(join(cwd, "out/deep/file"), "precious");
      const outcome = await runCommand(extractDemo("out", more), { cwd });
      const [message, hint] = [/did not make: deep, thesis\.tex/, /--output/];
      assertRefusal(outcome, { status: 1, message, hint });
      assert.deepEqual(await readdir(cwd), ["out"]);
      assert.deepEqual((await readdir(join(cwd, "out"))).sort(), ["deep", "thesis.tex"]);
      assert.equal(await readFile(join(cwd, "out/thesis.tex"), "utf8"), "precious");
      assert.equal(await readFile(join(cwd, "out/deep/file"), "utf8"), "precious");
    });

    it(`earlier output with a foreign file beside it ${more.join()}`, async () => {
      const cwd = await temporaryDirectory();
      await makeOutput(join(cwd, "out"), await imageOf([baseLayer]));
      await writeFile(join(cwd, "out/cloud-config.yaml"), "precious");
      const names = await readdir(join(cwd, "out"));
      const outcome = await runCommand(extractDemo("out", more), { cwd });
      const [message, hint] = [/did not make: cloud-config\.yaml\b/, /--output/];
      assertRefusal(outcome, { status: 1, message, hint });
      assert.deepEqual(await readdir(join(cwd, "out")), names);
    });
  }

  for (const earlier of ["absent", "an empty directory", "earlier output"]) {
    it(`${earlier} if foreign files appear during the run`, async () => {
      const cwd = await temporaryDirectory();
      const output = join(cwd, "out");
      if (earlier === "an empty directory") await mkdir(output);
      if (earlier === "earlier output") await makeOutput(output, await imageOf([baseLayer]));
      const meanwhile = () => {
        mkdirSync(output, { recursive: true });
        writeFileSync(join(output, "thesis.tex"), "precious");
      };
      const running = extract({
        ...{ image: demoImage, output, platform: "amd64" },
        onEvent: ({ type }) => type === "image" && meanwhile(),
      });
      await assert.rejects(running, { code: "OUTPUT_NOT_EMPTY", message: /: thesis\.tex/ });
      assert.equal(await readFile(join(output, "thesis.tex"), "utf8"), "precious");
      assert.deepEqual(await readdir(cwd), ["out"]);
    });
  }

  it("a dangling link, before anything is read", async () => {
    const cwd = await temporaryDirectory();
    await symlink("nowhere", join(cwd, "out"));
    const outcome = await runCommand(extractDemo("out", ["--json"]), { cwd });
    assert.equal(outcome.status, 1);
    assert.match(outcome.stderr + outcome.stdout, /out cannot be used \(it is a dangling link/);
    assert.doesNotMatch(outcome.stderr + outcome.stdout, /vmlinuz/);
    assert.deepEqual(await readdir(cwd), ["out"]);
  });

  it("earlier output with a damaged netboot.json and a foreign file", async () => {
    const cwd = await temporaryDirectory();
    await makeOutput(join(cwd, "out"), demoImage);
    await writeFile(join(cwd, "out/netboot.json"), "");
    await writeFile(join(cwd, "out/thesis.tex"), "precious");
    const outcome = await runCommand(extractDemo("out"), { cwd });
    assertRefusal(outcome, { status: 1, message: /did not make: thesis\.tex\b/, hint: /--output/ });
    assert.equal(await readFile(join(cwd, "out/thesis.tex"), "utf8"), "precious");
  });

  it("a directory with the netboot.json of another program", async () => {
    const cwd = await temporaryDirectory();
    await mkdir(join(cwd, "out"));
    await writeFile(join(cwd, "out/netboot.json"), '{"precious": true}');
    const outcome = await runCommand(extractDemo("out"), { cwd });
    assertRefusal(outcome, { status: 1, message: /netboot\.json/, hint: /--output/ });
    assert.equal(await readFile(join(cwd, "out/netboot.json"), "utf8"), '{"precious": true}');
  });

  it("a file", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "out"), "precious");
    const outcome = await runCommand(extractDemo("out"), { cwd });
    assertRefusal(outcome, {
      status: 1,
      message: /out .*not a directory|ENOTDIR/,
      hint: /--output/,
    });
    assert.equal(await readFile(join(cwd, "out"), "utf8"), "precious");
    assert.deepEqual(await readdir(cwd), ["out"]);
  });

  it("a path below a file", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "file"), "precious");
    const outcome = await runCommand(extractDemo("file/out"), { cwd });
    assertRefusal(outcome, { status: 1, message: /file\/out/, hint: /--output/ });
    assert.deepEqual(await readdir(cwd), ["file"]);
  });
});

describe("a run that fails at the end", () => {
  it("removes the parents that it made", async () => {
    const cwd = await temporaryDirectory();
    const image = await imageOf([baseWithout("./boot/initrd")]);
    const words = ["extract", image, "-o", "a/b/c", "--platform=amd64"];
    assert.equal((await runCommand(words, { cwd })).status, 4);
    assert.deepEqual(await readdir(cwd), []);
  });

  it("leaves parents that existed before", async () => {
    const cwd = await temporaryDirectory();
    await mkdir(join(cwd, "a"));
    const image = await imageOf([baseWithout("./boot/initrd")]);
    const words = ["extract", image, "-o", "a/b/c", "--platform=amd64"];
    assert.equal((await runCommand(words, { cwd })).status, 4);
    assert.deepEqual(await readdir(cwd), ["a"]);
    assert.deepEqual(await readdir(join(cwd, "a")), []);
  });

  it("leaves earlier output unchanged, and nothing beside it", async () => {
    const cwd = await temporaryDirectory();
    await makeOutput(join(cwd, "out"), demoImage);
    const before = await stat(join(cwd, "out"));
    const image = await imageOf([baseWithout("./boot/initrd")]);
    const words = ["extract", image, "-o", "out", "--platform=amd64"];
    assert.equal((await runCommand(words, { cwd })).status, 4);
    const after = await stat(join(cwd, "out"));
    assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
    await assertWhole(join(cwd, "out"));
    assert.deepEqual(await readdir(cwd), ["out"]);
  });

  it("leaves an empty directory empty", async () => {
    const cwd = await temporaryDirectory();
    await mkdir(join(cwd, "out"));
    const image = await imageOf([baseWithout("./boot/initrd")]);
    for (const output of ["out", "."]) {
      const at = output === "." ? join(cwd, "out") : cwd;
      const words = ["extract", image, "-o", output, "--platform=amd64"];
      assert.equal((await runCommand(words, { cwd: at })).status, 4);
      assert.deepEqual(await readdir(join(cwd, "out")), []);
    }
  });
});

async function makeOutput(output: string, image: string): Promise<void> {
  await extract({ image, output, platform: "amd64" });
  assert.ok(
    (await readdir(output)).some((name) => [demoName, baseName].includes(name.slice(0, -7))),
  );
}

/** Asserts that a directory holds the files of the demo image, intact, and nothing else. */
async function assertWhole(directory: string): Promise<void> {
  const files = ["-kernel", "-initrd", ".squashfs", ".ipxe"].map((end) => `${demoName}${end}`);
  const expected = [...files, "netboot.json", "provenance.json", "SHA256SUMS"].sort();
  const present = (await readdir(directory)).filter((name) => name !== ".cache").sort();
  assert.deepEqual(present, expected);
  await succeed("sha256sum", ["-c", "--strict", "--quiet", "SHA256SUMS"], directory);
}
