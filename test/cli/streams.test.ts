import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { imageOf, noise } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import {
  demoImage,
  demoName,
  outcomeOf,
  runProgram,
  startProgram,
} from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";
import { checkout } from "../support/checkout.js";

const demo = ["extract", demoImage, "-o", "out", "--platform=amd64"];
const bad = ["extract", "oci:nowhere", "-o", "out", "--platform=amd64"];

describe("standard output", () => {
  it("contains the paths of the result, which exist, and nothing else", async () => {
    const cwd = await temporaryDirectory();
    const { status, stdout } = await runProgram(demo, { cwd });
    assert.equal(status, 0);
    const paths = stdout.trimEnd().split("\n");
    assert.deepEqual(paths.slice(0, 4), [
      `out/${demoName}-kernel`,
      `out/${demoName}-initrd`,
      `out/${demoName}.squashfs`,
      `out/${demoName}.ipxe`,
    ]);
    assert.deepEqual(paths.map((path) => path.slice(4)).sort(), await readdir(join(cwd, "out")));
  });

  it("contains the same paths if nothing has to be done", async () => {
    const cwd = await temporaryDirectory();
    const first = await runCommand(demo, { cwd });
    const second = await runCommand(demo, { cwd });
    assert.equal(second.stdout, first.stdout);
    assert.match(second.stderr, /nothing to do/);
  });

  it("contains one JSON object per line with --json, the result last", async () => {
    const cwd = await temporaryDirectory();
    const { status, stdout, stderr } = await runCommand([...demo, "--json"], { cwd });
    assert.equal(status, 0);
    assert.equal(stderr, "");
    const result = jsonLines(stdout).at(-1)!;
    assert.equal(result.type, "result");
    assert.equal(result.name, demoName);
    assert.equal(result.unchanged, false);
    const files: string[] = Object.values(result.files as Record<string, string>);
    assert.ok(files.length >= 5);
    for (const path of files) await access(join(cwd, path));
  });

  it("contains only the result with --json and --quiet", async () => {
    const cwd = await temporaryDirectory();
    const { status, stdout } = await runCommand([...demo, "--json", "--quiet"], { cwd });
    assert.equal(status, 0);
    assert.deepEqual(
      jsonLines(stdout).map(({ type }) => type),
      ["result"],
    );
  });

  it("contains one JSON object per line with --json if an error occurs", async () => {
    for (const [args, code, exitStatus] of [
      [bad, "LAYOUT_INVALID", 3],
      [[...demo, "--jobs=0"], "USAGE_INVALID", 2],
      [[...demo, "--compresion=xz"], "USAGE_INVALID", 2],
      [["extract"], "USAGE_INVALID", 2],
      [["extrct"], "USAGE_INVALID", 2],
    ] as const) {
      const cwd = await temporaryDirectory();
      const { status, stdout, stderr } = await runCommand([...args, "--json"], { cwd });
      assert.equal(status, exitStatus);
      assert.equal(stderr, "");
      const { message, hint, ...error } = jsonLines(stdout).at(-1)!;
      assert.deepEqual(error, { type: "error", code, exitStatus });
      assert.match(message as string, /^[^\n]+\.$/);
      assert.match(hint as string, /^[^\n]+$/);
    }
  });

  it("may be closed without an effect on the work", async () => {
    for (const more of [[], ["--json"]]) {
      const cwd = await temporaryDirectory();
      const child = startProgram([...demo, ...more], { cwd });
      child.stdout.destroy();
      const [stderr] = await Promise.all([text(child.stderr), once(child, "exit")]);
      assert.doesNotMatch(stderr, /EPIPE|Error|^\s+at /m);
      assert.deepEqual(await readdir(cwd), ["out"]);
      assert.ok((await readdir(join(cwd, "out"))).includes("netboot.json"));
    }
  });

  it("leads to status 1 and an error if it cannot be written", async () => {
    const cwd = await temporaryDirectory();
    const prefix = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];
    for (const args of [
      [...demo, "--quiet"],
      ["inspect", demoImage, "--platform=amd64", "--json"],
      ["cache", "ls"],
      ["--version"],
    ]) {
      const { status, stderr } = await runProgram(args, { cwd, prefix });
      assert.equal(status, 1, args[0]);
      assert.match(stderr, /kairos-netboot: .* could not be written \(ENOSPC\)\.\n {2}.*\n$/);
    }
  });
});

describe("standard error", () => {
  it("reports the image, its layers, the kernel, the initrd, and the result, one per line", async () => {
    const { stderr } = await runCommand(demo, { cwd: await temporaryDirectory() });
    assert.doesNotMatch(stderr, /[\r\u001b]/);
    for (const words of [
      /^oci:.*demo-image for linux\/amd64: 3 layers, /m,
      /^Layer 1 of 3 /m,
      /^Layer 2 of 3 /m,
      /^Layer 3 of 3 /m,
      /\/boot\/vmlinuz-0\.1\.0-demo as the kernel/,
      /\/boot\/initrd as the initrd/,
      new RegExp(`^Made ${demoName} in out`, "m"),
    ]) {
      assert.match(stderr, words);
    }
  });

  it("counts a layer twice if the image contains it twice", async () => {
    const image = await imageOf([baseLayer, [{ name: "a" }], [{ name: "b" }], [{ name: "a" }]]);
    const words = ["extract", image, "-o", "out", "--platform=amd64"];
    const { status, stderr } = await runCommand(words, { cwd: await temporaryDirectory() });
    assert.equal(status, 0, stderr);
    for (const [, number, count] of stderr.matchAll(/^Layer (\d+) of (\d+)/gm)) {
      assert.ok(Number(number) <= Number(count), `layer ${number} of ${count}`);
      assert.equal(count, "4");
    }
  });

  it("is empty with --quiet", async () => {
    for (const flag of ["--quiet", "-q"]) {
      const { status, stdout, stderr } = await runCommand([...demo, flag], {
        cwd: await temporaryDirectory(),
      });
      assert.equal(status, 0);
      assert.equal(stderr, "");
      assert.equal(stdout.split("\n").length, (await demoFiles()).length + 1);
    }
  });

  it("reports errors with --quiet", async () => {
    const { stderr } = await runCommand([...bad, "-q"], { cwd: await temporaryDirectory() });
    assert.match(stderr, /^kairos-netboot: .*\n {2}.*\n$/);
  });

  for (const flag of ["--verbose", "-v", "-qv"]) {
    it(`shows the cause of an error with ${flag}`, async () => {
      const { stderr } = await runCommand([...bad, flag], { cwd: await temporaryDirectory() });
      assert.match(stderr, /^kairos-netboot: .*\n {2}.*\n/);
      assert.match(stderr, /^\s+at .*extract/m);
    });
  }

  it("shows bars on a terminal, and restores the cursor at the end", async () => {
    const cwd = await temporaryDirectory();
    const image = await imageOf([baseLayer, [noise("noise", 2_000_000)]]);
    const { status, stdout } = await onTerminal(["extract", image, "-o", "out"], cwd);
    assert.equal(status, 0);
    assert.match(stdout, /Layer 2\/2 +[█░]+ 100%/);
    assert.match(stdout, /Squashfs +[█░]+ 100%/);
    assert.match(stdout, /\u001b\[\?25l.*\u001b\[\?25h/s);
    assert.match(stdout, /out\/kairos-.*\.squashfs/);
  });

  it("shows one bar for all layers if the terminal has too few rows", async () => {
    const cwd = await temporaryDirectory();
    const more = Array.from({ length: 12 }, (_, number) => [{ name: `file-${number}` }]);
    const image = await imageOf([baseLayer, ...more]);
    const { status, stdout } = await onTerminal(["extract", image, "-o", "out"], cwd, 14);
    assert.equal(status, 0);
    assert.match(stdout, /^.*13 layers +[█░]+ 100%/m);
    // ECMA-48, "CURSOR UP": what has left the screen cannot be reached.
    const ups = [...stdout.matchAll(/\u001b\[(\d+)A/g)].map(([, rows]) => Number(rows));
    assert.ok(ups.length > 0 && Math.max(...ups) < 14, `up to ${Math.max(...ups)} rows up`);
  });

  it("shows an error below the bars on a terminal, and restores the cursor", async () => {
    const cwd = await temporaryDirectory();
    const image = await imageOf([baseLayer]);
    const args = ["extract", image, "-o", "out", "--kernel=/nowhere"];
    const { status, stdout } = await onTerminal(args, cwd);
    assert.equal(status, 4);
    const end = stdout.lastIndexOf("\u001b[?25h");
    assert.ok(end > 0 && stdout.indexOf("kairos-netboot: ") > end);
    assert.ok(stdout.lastIndexOf("\u001b[?25l") < end);
  });
});

async function demoFiles(): Promise<string[]> {
  const cwd = await temporaryDirectory();
  await runCommand(demo, { cwd });
  return readdir(join(cwd, "out"));
}

function jsonLines(output: string): Record<string, unknown>[] {
  assert.match(output, /\n$/);
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Runs the program on a pseudo-terminal, where both its streams end up in one. */
async function onTerminal(args: readonly string[], cwd: string, rows = 24) {
  const program = join(checkout, "bin/kairos-netboot.js");
  const words = [process.execPath, program, ...args, "--platform=amd64"];
  const command = `stty rows ${rows} && ${words.map((word) => `'${word}'`).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, TERM: "xterm" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return outcomeOf(child);
}
