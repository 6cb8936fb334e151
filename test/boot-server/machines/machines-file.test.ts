import assert from "node:assert/strict";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import type { Machine } from "../../../src/boot-server/machines/machine.js";
import { RulesWatcher } from "../../../src/boot-server/machines/rules-watcher.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import { NetbootError } from "../../../src/index.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { amd64, decide, mac, outcome, own, releases, rulesOf } from "../support/rules-of.js";

const readReleases = async () => releases.map((release) => [release]);

let directory: string;
beforeEach(async () => {
  directory = await sharedDirectory();
});

describe("a machines file", () => {
  const uuid = "01020304-0506-0708-090a-0b0c0d0e0f10";
  const table: [name: string, match: string, machine: Partial<Machine>, isMatch: boolean][] = [
    ["by MAC address", `mac: ${mac}`, {}, true],
    ["in capitals with hyphens", "mac: 52-54-00-AA-BB-01", {}, true],
    ["not by another", "mac: 52:54:00:aa:bb:02", {}, false],
    ["by one of several", `mac: ["00:11:22:33:44:55", "${mac}"]`, {}, true],
    ["by the beginning", "mac: 52:54:00", {}, true],
    ["by the beginning with a colon", "mac: '52:54:00:'", {}, true],
    ["by any bytes", "mac: '52:*:*:aa'", {}, true],
    ["not by another beginning", "mac: 52:54:01", {}, false],
    ["by UUID in capitals", `uuid: ${uuid.toUpperCase()}`, { uuid }, true],
    ["not by another UUID", `uuid: ${uuid}`, { uuid: uuid.replace("1", "2") }, false],
    ["by a serial number with leading zeros", "serial: 0012", { serial: "0012" }, true],
    ["not by the same number without zeros", "serial: 0012", { serial: "12" }, false],
    ["by architecture", "architecture: amd64", {}, true],
    ["by another name of the architecture", "architecture: x86_64", {}, true],
    ["by a serial number with blanks", "serial: '  CZ1  '", { serial: "CZ1" }, true],
    ["only if all keys match", `{ mac: ${mac}, serial: x }`, { serial: "y" }, false],
    ["if all keys match", `{ mac: "${mac}", serial: x }`, { serial: "x" }, true],
  ];
  for (const [name, match, said, isMatch] of table) {
    it(`finds a machine ${name}`, async () => {
      const text = `machines:\n  - match:\n      ${match}\n    release: edge\n`;
      const decision = await decide(directory, text, { ...amd64, ...said });
      assert.equal(outcome(decision), isMatch ? "edge" : "stable");
    });
  }

  const booted = new Date("2026-01-02T03:04:05Z");
  const outcomes: [
    name: string,
    text: string,
    machine: Machine,
    bootedAt: Date | undefined,
    expected: string,
    reason: RegExp,
  ][] = [
    [
      "gives the first release for the architecture",
      "",
      amd64,
      undefined,
      "stable",
      /All machines get the same/,
    ],
    [
      "gives an arm64 machine its own release",
      "",
      { mac, architecture: "arm64" },
      undefined,
      "arm",
      /All machines get the same/,
    ],
    [
      "treats a file of comments as empty",
      "# nothing\n",
      amd64,
      undefined,
      "stable",
      /All machines get the same/,
    ],
    [
      "takes the first entry that matches",
      `machines:\n- match: { mac: "52:54" }\n  release: edge\n- match: { mac: "${mac}" }\n  boot: deny\n`,
      amd64,
      undefined,
      "edge",
      /machines\.yaml, line 2/,
    ],
    [
      "never gives the wrong kernel",
      own("release: edge"),
      { mac, architecture: "arm64" },
      undefined,
      "unfit",
      /edge is for amd64, but it is arm64/,
    ],
    [
      "refuses an architecture without a release",
      "",
      { mac, architecture: "riscv64" },
      undefined,
      "unfit",
      /riscv64/,
    ],
    [
      "refuses a machine that does not report its architecture",
      "",
      { mac },
      undefined,
      "unfit",
      /did not report/,
    ],
    ["denies", own("boot: deny"), amd64, undefined, "deny", /boot: deny/],
    [
      "denies a machine without an entry if the defaults say so",
      "defaults: { boot: deny }",
      amd64,
      undefined,
      "deny",
      /boot: deny/,
    ],
    [
      "lets an entry override the defaults",
      `defaults: { boot: deny }\n${own("boot: netboot")}`,
      amd64,
      undefined,
      "stable",
      /line 2/,
    ],
    ["sends a machine to its disk", own("boot: local"), amd64, undefined, "local", /boot: local/],
    ["boots once", own("boot: once"), amd64, undefined, "stable", /line 1/],
    [
      "sends a machine to its disk if it has booted once",
      own("boot: once"),
      amd64,
      booted,
      "local",
      /2026-01-02T03:04:05/,
    ],
    [
      "ignores earlier boots without boot: once",
      own("boot: netboot"),
      amd64,
      booted,
      "stable",
      /line 1/,
    ],
  ];
  for (const [name, text, machine, bootedAt, expected, reason] of outcomes) {
    it(name, async () => {
      const decision = await decide(directory, text, machine, bootedAt);
      assert.equal(outcome(decision), expected);
      assert.match(decision.reasons.join(" "), reason);
    });
  }

  it("gives each machine its words, cloud-config, boot program, offers and name", async () => {
    const text = own(
      "cmdline: quiet console=ttyS1, cloud-config: node.yaml, boot-program: other.efi, offer-style: port-4011, hostname: node-1",
    );
    const files = { "node.yaml": "#cloud-config\n", "other.efi": "program" };
    const [entry] = (await rulesOf(directory, text, files)).entries;
    assert.equal(entry!.commandLine, "quiet console=ttyS1");
    assert.deepEqual(entry!.cloudConfig, { text: "#cloud-config\n" });
    assert.equal(entry!.bootProgram!.path, join(directory, "other.efi"));
    assert.equal(entry!.offerStyle, "port-4011");
    assert.equal(entry!.hostname, "node-1");
  });

  const wrong: [name: string, text: string, message: RegExp][] = [
    ["invalid YAML", "machines: [", /^machines\.yaml, line 1: .*\.$/],
    ["a tab", "machines:\n\t- x\n", /line 2: /],
    [
      "a MAC address that begins with * without quotes",
      "machines:\n  - match:\n      mac: *:54:00\n",
      /line 3: \*:54:00 is a YAML alias, .*; quote values that begin with \*/,
    ],
    ["an alias", "machines: &all []\ndefaults: *all\n", /line 2: \*all is a YAML alias/],
    ["a list", "- a\n", /machines\.yaml.*: .*object/],
    ["an unknown key", own("bot: deny"), /line 1: machines: unrecognized key: "bot"/],
    ["an unknown key at the top", "machine: []\n", /unrecognized key: "machine"/],
    ["an entry without a match", "machines:\n  - boot: deny\n", /line 2: machines\.match: /],
    [
      "an empty match",
      "machines:\n  - boot: deny\n    match: {}\n",
      /line 3: .*is empty: add mac, uuid, serial or architecture/,
    ],
    [
      "an invalid MAC address",
      'machines:\n  - match:\n      mac: "52:54:0g"\n',
      /line 3: .*52:54:0g is not a MAC address/,
    ],
    ["an invalid UUID", "machines: [{ match: { uuid: x } }]\n", /uuid: x is not a UUID/],
    ["an unknown architecture", "machines: [{ match: { architecture: z80 } }]\n", /one of amd64/],
    ["an unknown mode", own("boot: twice"), /"netboot"\|"once"\|"local"\|"deny"/],
    [
      "a release that is not served",
      own("release: nightly"),
      /no release nightly is served \(served: stable, edge, arm\)/,
    ],
    [
      "a missing boot program",
      own("boot-program: x.efi"),
      /the boot program x\.efi does not exist/,
    ],
    ["a missing cloud-config", own("cloud-config: x.yaml"), /x\.yaml cannot be read/],
    [
      "a cloud-config without a marker",
      own("cloud-config: machines.yaml"),
      /none of the lines #cloud-config,/,
    ],
    [
      "a cloud-config with an unknown variable",
      own("cloud-config: bad.yaml"),
      /\$\{machine\.name\}/,
    ],
    ["a command line of two lines", own('cmdline: "a\\nb"'), /cmdline: contains characters that/],
    [
      "a command line that iPXE interprets",
      own("cmdline: a && b"),
      /cmdline: contains the word &&/,
    ],
    ["a comment for iPXE", own("cmdline: 'a #b'"), /cmdline: contains the word #b/],
    ["an open quotation mark", own("cmdline: 'a=\"b'"), /cmdline: has a quotation mark without/],
    // RFC 952; RFC 1123, section 2.1.
    ["a host name with a blank", own("hostname: node 1"), /hostname: must consist of letters/],
    [
      "a host name with an underscore",
      own("hostname: node_1"),
      /hostname: must consist of letters/,
    ],
    ["a host name that begins with -", own("hostname: -a"), /hostname: must consist of letters/],
    ["a host name with an empty label", own("hostname: a..b"), /hostname: must consist of letters/],
  ];
  for (const [name, text, message] of wrong) {
    it(`with ${name} is refused, with the line`, async () => {
      const files = { "bad.yaml": `#cloud-config\nhostname: \${machine.name}\n` };
      await assert.rejects(rulesOf(directory, text, files), (error) => {
        assert.ok(error instanceof NetbootError, String(error));
        assert.match(error.message, message);
        assert.equal(error.exitStatus, 2);
        return true;
      });
    });
  }

  it("is read again when it or a cloud-config changes, and stays in force while the new version is invalid", async () => {
    const path = join(directory, "machines.yaml");
    const config = join(directory, "node.yaml");
    await writeFile(config, "#cloud-config\n");
    await writeFile(path, own("cloud-config: node.yaml"));
    const programs = await BootPrograms.find([]);
    const sources = {
      machinesFile: path,
      defaults: {},
      cloudConfig: undefined,
      readReleases,
      programs,
    };
    const told: string[] = [];
    const rules = await RulesWatcher.start(sources, {
      onRules: () => told.push("read"),
      onReleases: () => assert.fail(),
      onError: (problem) => told.push(problem),
      intervalMs: 2 ** 30,
    });
    try {
      const change = async (target: string, text: string) => {
        const before = told.length;
        await writeFile(target, text);
        await utimes(target, new Date(), new Date(Date.now() + 10_000 * (before + 1)));
        for (let checks = 0; checks < 3 && told.length === before; checks += 1) await rules.check();
      };
      await change(config, "#cloud-config\nhostname: new\n");
      assert.deepEqual(rules.current.entries[0]!.cloudConfig, {
        text: "#cloud-config\nhostname: new\n",
      });
      await change(path, own("boot: twice"));
      assert.match(told.at(-1)!, /machines\.yaml, line 1/);
      assert.equal(rules.current.entries.length, 1);
      await change(path, own("boot: deny"));
      assert.equal(rules.current.entries[0]!.boot, "deny");
    } finally {
      rules.close();
    }
  });
});

it("a machines file with empty keys has no entries", async () => {
  const { entries, defaults } = await rulesOf(directory, "machines:\ndefaults:\n");
  assert.deepEqual(entries, []);
  assert.equal(defaults.boot, undefined);
});
