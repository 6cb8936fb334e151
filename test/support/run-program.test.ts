import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { findProgram, runProgram, startProgram, tryProgram } from "../../src/support/index.js";

const shell = (await findProgram("sh")) ?? "/bin/sh";
const script = (source: string) => ["-c", source];

describe("running a program", () => {
  it("returns what it printed, and passes it only the environment that it needs", async () => {
    process.env.KAIROS_NETBOOT_TEST = "the caller's";
    const source = 'echo "$LC_ALL $TZ $GIVEN [$KAIROS_NETBOOT_TEST]"';
    const printed = await runProgram(shell, script(source), { env: { GIVEN: "given" } });
    assert.equal(printed, "C UTC given []");
  });

  it("gives it the input", async () => {
    const cat = (await findProgram("cat")) ?? "/bin/cat";
    assert.equal(await runProgram(cat, [], { input: "words" }), "words");
    assert.equal(await runProgram(cat, []), "");
  });

  const failures: [what: string, source: string, message: string][] = [
    ["the last lines of standard error", "seq 5 >&2; echo end. >&2; exit 3", "4; 5; end"],
    ["the exit status of a silent program", "exit 3", "exit status 3"],
    ["the signal that ended it", "kill -TERM $$", "ended by SIGTERM"],
  ];
  for (const [what, source, message] of failures) {
    it(`reports ${what}`, async () => {
      await assert.rejects(runProgram(shell, script(source)), {
        code: "PROGRAM_FAILED",
        message: `${shell} failed: ${message}.`,
      });
    });
  }

  it("reports a program that cannot be started", async () => {
    await assert.rejects(runProgram("/nowhere/program", []), {
      code: "PROGRAM_FAILED",
      message: /^\/nowhere\/program failed: .*ENOENT/,
    });
    assert.equal((await tryProgram("/nowhere/program", [])).exitCode, undefined);
  });

  it("ends it when the caller aborts", async () => {
    const aborter = new AbortController();
    const running = runProgram(shell, script("exec sleep 60"), { signal: aborter.signal });
    aborter.abort();
    await assert.rejects(running, { code: "INTERRUPTED" });
  });

  it("ends it after the time limit", async () => {
    const result = await tryProgram(shell, script("exec sleep 60"), { timeoutMs: 20 });
    assert.equal(result.signal, "SIGTERM");
  });
});

describe("starting a program", () => {
  it("leaves its output to the caller and keeps the beginning of standard error", async () => {
    const { child, ended } = startProgram(shell, script("cat; echo 123456789 >&2; exit 4"), {
      stdio: ["pipe", "pipe", "pipe"],
      maxStderrLength: 5,
    });
    assert.ok(child.stdin && child.stdout);
    child.stdin.end("streamed");
    assert.equal(await text(child.stdout), "streamed");
    assert.deepEqual(await ended, { exitCode: 4, signal: null, stderr: "12345" });
  });

  it("rejects if it cannot be started", async () => {
    const { ended } = startProgram("/nowhere/program", [], { stdio: "ignore" });
    await assert.rejects(ended, { code: "ENOENT" });
  });
});
