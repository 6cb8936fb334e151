import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createProgram, subcommandsOf } from "../../src/cli/program.js";
import { runCommand } from "../extract/support/run-command.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";

const extractOptions = [
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
  "--verify-identity",
  "--verify-issuer",
  "--verify-source-repository",
  "--trusted-root",
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

const program = createProgram();
const commands = subcommandsOf(program).map((command) =>
  [command.parent, command].map((it) => it?.name()).filter((name) => name !== program.name()),
);

describe("help", () => {
  it("lists the commands with an example of each, and the exit statuses", async () => {
    const { status, stdout, stderr } = await run("--help");
    assert.equal(status, 0);
    assert.equal(stderr, "");
    for (const { name } of program.commands.map((command) => ({ name: command.name() }))) {
      assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
      assert.match(stdout, new RegExp(`\\$ (?:sudo )?kairos-netboot ${name} `));
    }
    assert.match(stdout, /Exit status: 0 .*130/s);
  });

  for (const words of commands) {
    const name = words.join(" ");
    it(`of ${name} shows examples of that command`, () => {
      const text = helpText(words as string[]);
      assert.match(text, new RegExp(`Examples:.*\\$ (?:sudo )?kairos-netboot ${name}\\b`, "s"));
    });

    it(`of ${name} fits in 80 columns, except for the names of images`, () => {
      const wide = helpText(words as string[])
        .split("\n")
        .filter((line) => line.length > (line.includes("quay.io/") ? 100 : 80));
      assert.deepEqual(wide, []);
    });
  }

  it("of extract lists and describes each of its options once", async () => {
    const { stdout } = await run("extract", "--help");
    const options = stdout.slice(stdout.indexOf("Options:"), stdout.indexOf("Examples:"));
    const listed = [
      ...options.matchAll(/^ {2}(-\w, --[\w-]+|--[\w-]+)(?: [<[][\w=]+[>\]])? {2,}\S+/gm),
    ];
    assert.deepEqual(listed.map(([, name]) => name).sort(), [...extractOptions].sort());
  });

  it("is printed on standard error, with the status of a usage error, if there is no command", async () => {
    const { status, stdout, stderr } = await run();
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^Usage: kairos-netboot /);
  });

  it("of a command is also printed by the command help", async () => {
    const { status, stdout } = await run("help", "inspect");
    assert.equal(status, 0);
    assert.match(stdout, /^Usage: kairos-netboot inspect /);
  });
});

describe("--version", () => {
  it("prints the version of the package", async () => {
    const { version } = JSON.parse(await readFile(join(checkout, "package.json"), "utf8"));
    assert.deepEqual(await run("--version"), { status: 0, stdout: `${version}\n`, stderr: "" });
  });
});

/** The text that --help prints for a command. */
function helpText(words: readonly string[]): string {
  const command = words.reduce(
    (parent, name) => parent.commands.find((it) => it.name() === name) ?? parent,
    createProgram(),
  );
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

async function run(...args: string[]) {
  return runCommand(args, { cwd: await temporaryDirectory() });
}
