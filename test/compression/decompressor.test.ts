import assert from "node:assert/strict";
import { access, chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, it } from "node:test";
import { isIntact } from "../../src/sources/image-source/verify-slice.js";
import { assertRefusal } from "../cli/support/refusal.js";
import { demoImage, runProgram } from "../extract/support/program.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { sha256 } from "../support/image-layout.js";

const demo = ["extract", demoImage, "-o", "out", "--platform=amd64"];

/** PATH with a program of this name before all others. */
async function pathWith(name: string, script: string): Promise<string> {
  const directory = join(await temporaryDirectory(), "bin");
  await mkdir(directory);
  await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(directory, name), 0o755);
  return `${directory}${delimiter}${process.env.PATH}`;
}

describe("a decompressor", () => {
  it("that the system kills is not taken for a damaged layer", async () => {
    const cwd = await temporaryDirectory();
    const PATH = await pathWith("igzip", "kill -KILL $$");
    const outcome = await runProgram([...demo, "--json"], { cwd, env: { PATH } });
    assert.equal(outcome.status, 1);
    assert.match(outcome.stdout, /DECOMPRESSOR_FAILED/);
    assert.match(outcome.stdout, /igzip was ended by SIGKILL/);
    await assert.rejects(access(join(cwd, "out")));
  });

  it("that finds fault with a layer is quoted", async () => {
    const PATH = await pathWith("igzip", "echo it stinks >&2; exit 3");
    const cwd = await temporaryDirectory();
    const outcome = await runProgram(demo, { cwd, env: { PATH } });
    const message = /igzip cannot decompress it: it stinks/;
    assertRefusal(outcome, { status: 4, message, hint: /image/ });
  });

  it("is used where there is no place for temporary files", async () => {
    const cwd = await temporaryDirectory();
    const { status, stderr } = await runProgram(demo, { cwd, env: { TMPDIR: "/nonexistent" } });
    assert.equal(status, 0, stderr);
  });
});

describe("the check of a kept blob", () => {
  it("tells wrong bytes from a check that was interrupted", async () => {
    const bytes = Buffer.from("kept");
    const path = join(await temporaryDirectory(), "blob");
    await writeFile(path, bytes);
    const { size } = await stat(path);
    const right = { mediaType: "x", digest: sha256(bytes), size };
    const wrong = { ...right, digest: sha256(Buffer.from("other")) };
    const never = new AbortController().signal;
    assert.equal(await isIntact(path, right, never), true);
    assert.equal(await isIntact(path, wrong, never), false);
    await assert.rejects(isIntact(path, right, AbortSignal.abort()));
  });
});
