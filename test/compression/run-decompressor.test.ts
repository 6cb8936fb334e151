import assert from "node:assert/strict";
import { access, chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, it } from "node:test";
import { assertRefusal } from "../cli/support/refusal.js";
import { demoImage, runProgram } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

const demo = ["extract", demoImage, "-o", "out", "--platform=amd64"];

/** PATH with a program of this name that takes precedence. */
async function pathWith(name: string, script: string): Promise<string> {
  const directory = join(await temporaryDirectory(), "bin");
  await mkdir(directory);
  await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(directory, name), 0o755);
  return `${directory}${delimiter}${process.env.PATH}`;
}

describe("a decompressor program", () => {
  it("that the system kills is not mistaken for a damaged layer", async () => {
    const cwd = await temporaryDirectory();
    const path = await pathWith("igzip", "kill -KILL $$");
    const outcome = await runProgram([...demo, "--json"], { cwd, env: { PATH: path } });
    assert.equal(outcome.status, 1);
    assert.match(outcome.stdout, /DECOMPRESSOR_FAILED/);
    assert.match(outcome.stdout, /igzip was ended by SIGKILL/);
    await assert.rejects(access(join(cwd, "out")));
  });

  it("is quoted if it rejects a layer", async () => {
    const path = await pathWith("igzip", "echo bad input >&2; exit 3");
    const cwd = await temporaryDirectory();
    const outcome = await runProgram(demo, { cwd, env: { PATH: path } });
    const message = /igzip cannot decompress it: bad input/;
    assertRefusal(outcome, { status: 4, message, hint: /image/ });
  });

  it("works without a directory for temporary files", async () => {
    const cwd = await temporaryDirectory();
    const { status, stderr } = await runProgram(demo, { cwd, env: { TMPDIR: "/nonexistent" } });
    assert.equal(status, 0, stderr);
  });
});
