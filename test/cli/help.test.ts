import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkout, runProgram } from "../extract/support/program.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

const EXTRACT_OPTIONS = [
  "-o, --output",
  "--from-file",
  "--platform",
  "--name",
  "--kernel",
  "--initrd",
  "--compression",
  "--block-size",
  "--sbom",
  "--verify-key",
  "--sign-key",
  "--cache-dir",
  "--no-cache",
  "--retry-timeout",
  "--jobs",
  "--url",
  "--cloud-config",
  "--cmdline",
  "--cmdline-replace",
  "--console",
  "--iso",
  "--ipxe-dir",
  "--uki",
  "--uki-key",
  "--uki-cert",
  "--force",
  "--serve",
  "--authfile",
  "--username",
  "--password-stdin",
  "--tls-ca",
  "--tls-cert",
  "--tls-key",
  "--insecure",
  "--mirror",
  "-q, --quiet",
  "-v, --verbose",
  "--json",
  "-h, --help",
];

describe("help", () => {
  it("names the commands, with a line each that runs them", async () => {
    const { status, stdout, stderr } = await run("--help");
    assert.equal(status, 0);
    assert.equal(stderr, "");
    for (const name of await commands()) {
      assert.match(stdout, new RegExp(`\\$ (?:sudo )?kairos-netboot ${name} `));
    }
    assert.match(stdout, /Exit status: 0 .*130/s);
  });

  it("of each command shows examples of that command", async () => {
    const names = await commands();
    assert.ok(names.includes("extract"));
    for (const name of names) {
      const { status, stdout, stderr } = await run(name, "--help");
      assert.equal(status, 0);
      assert.equal(stderr, "");
      assert.match(stdout, new RegExp(`Examples:.*\\$ (?:sudo )?kairos-netboot ${name} `, "s"));
    }
  });

  it("of extract lists each of its options once, with words that explain it", async () => {
    const { stdout } = await run("extract", "--help");
    const options = stdout.slice(stdout.indexOf("Options:"), stdout.indexOf("Examples:"));
    const listed = [
      ...options.matchAll(/^ {2}(-\w, --[\w-]+|--[\w-]+)(?: [<[][\w=]+[>\]])? {2,}\S+/gm),
    ];
    assert.deepEqual(listed.map(([, name]) => name).sort(), [...EXTRACT_OPTIONS].sort());
  });

  it("comes where no command is given, with the status of wrong usage", async () => {
    const { status, stdout, stderr } = await run();
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^Usage: kairos-netboot /);
  });

  it("keeps to 100 columns", async () => {
    for (const words of [["--help"], ["extract", "--help"], ["cache", "--help"]]) {
      const { stdout } = await run(...words);
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.length > 100),
        [],
      );
    }
  });

  it("is not needed for the version, which is that of the package", async () => {
    const { version } = JSON.parse(await readFile(join(checkout, "package.json"), "utf8"));
    assert.deepEqual(await run("--version"), { status: 0, stdout: `${version}\n`, stderr: "" });
  });
});

/** What the program itself says there is. */
async function commands(): Promise<string[]> {
  const { stdout } = await run("--help");
  const list = stdout.slice(stdout.indexOf("Commands:"));
  const names = [...list.matchAll(/^ {2}(\w[\w-]*) /gm)].map(([, name]) => name!);
  return names.filter((name) => name !== "help");
}

async function run(...args: string[]) {
  return runProgram(args, { cwd: await temporaryDirectory() });
}
