import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { addImage } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import { outcomeOf, startProgram } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { serveImage } from "../oci-client/support/local-server.js";
import { baseLayer } from "../support/base-layer.js";
import { assertRefusal } from "./support/refusal.js";

const content = new ImageContent();
const root = addImage(content, [baseLayer]);
const refused = "127.0.0.1:1/os/image:v1";

/** A registry that answers its first requests with 503. */
async function busyRegistry(t: TestContext, times: number, headers: Record<string, string> = {}) {
  let asked = 0;
  const { host, requests } = await serveImage(t, content, root, (_request, response) => {
    asked += 1;
    if (asked > times) return false;
    response.writeHead(503, headers).end();
    return true;
  });
  return { image: `${host}/os/image:v1`, host, requests };
}

function wordsFor(image: string, ...more: string[]): string[] {
  return ["extract", image, "-o", "out", "--platform=amd64", ...more];
}

describe("a busy registry", () => {
  it("is asked again, and a message says so", async (t) => {
    const { image, host } = await busyRegistry(t, 1);
    const cwd = await temporaryDirectory();
    const { status, stderr } = await runCommand(wordsFor(image), { cwd });
    assert.equal(status, 0, stderr);
    assert.match(
      stderr,
      new RegExp(`^${host} answered 503 for os/image; trying again in \\d(\\.\\d)? s\\.$`, "m"),
    );
  });

  it("is reported in a JSON line with --json", async (t) => {
    const { image } = await busyRegistry(t, 1);
    const cwd = await temporaryDirectory();
    const { stdout } = await runCommand(wordsFor(image, "--json"), { cwd });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.ok(
      lines.some(
        ({ type, level, text }) =>
          type === "message" && level === "info" && /503; |503 .*; trying again/.test(text),
      ),
    );
    assert.equal(lines.at(-1).type, "result");
  });

  it("is asked once with --retry-timeout 0", async (t) => {
    const { image, requests } = await busyRegistry(t, 9);
    const cwd = await temporaryDirectory();
    const outcome = await runCommand(wordsFor(image, "--retry-timeout=0"), { cwd });
    assertRefusal(outcome, { status: 3, message: /answered 503 for os\/image\.$/m, hint: /later/ });
    assert.equal(requests.length, 1);
  });

  it("is given up after --retry-timeout, and the error says what was tried", async (t) => {
    const { image } = await busyRegistry(t, 1000);
    const cwd = await temporaryDirectory();
    const { status, stderr } = await runCommand(wordsFor(image, "--retry-timeout=1s"), { cwd });
    assert.equal(status, 3);
    assert.match(
      stderr,
      /kairos-netboot: .* answered 503 for os\/image; tried \d times within \d(\.\d)? s\.$/m,
    );
  });

  it("is not asked again if it asks to wait for a day", async (t) => {
    const { image, requests } = await busyRegistry(t, 9, { "retry-after": "86400" });
    const cwd = await temporaryDirectory();
    const { status, stderr } = await runCommand(wordsFor(image), { cwd });
    assert.equal(status, 3);
    assert.match(stderr, /tried once, and the server asks to wait 1440 min\./);
    assert.equal(requests.length, 1);
  });

  it("is waited for until Ctrl-C", { timeout: 60_000 }, async (t) => {
    const { image, requests } = await busyRegistry(t, 9, { "retry-after": "3000" });
    const cwd = await temporaryDirectory();
    const child = startProgram(wordsFor(image, "--retry-timeout=2h"), { cwd });
    const outcome = outcomeOf(child);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      const before = stderr;
      stderr += chunk;
      // A second SIGINT would end it in another way.
      if (before === "" && /trying again in 50 min/.test(stderr)) child.kill("SIGINT");
    });
    const { status } = await outcome;
    assert.equal(status, 130, stderr);
    assert.equal(requests.length, 1);
  });
});

describe("--retry-timeout", () => {
  for (const value of ["", "soon", "5", "-5m", "5 m", "1e3s"]) {
    it(`of ${JSON.stringify(value)} is refused with status 2`, async () => {
      const cwd = await temporaryDirectory();
      const outcome = await runCommand(wordsFor(refused, `--retry-timeout=${value}`), { cwd });
      assertRefusal(outcome, { status: 2, message: /--retry-timeout/, hint: /90s, 5m/ });
    });
  }
});
