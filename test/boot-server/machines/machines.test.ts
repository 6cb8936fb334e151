import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { BootOffers } from "../../../src/boot-server/boot-offers.js";
import type { BootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { BootPolicy, type Decision } from "../../../src/boot-server/machines/boot-policy.js";
import { loadRules } from "../../../src/boot-server/machines/load-rules.js";
import { MacPattern } from "../../../src/boot-server/machines/mac-pattern.js";
import type { Machine } from "../../../src/boot-server/machines/machine.js";
import { MachineStore } from "../../../src/boot-server/machines/machine-store.js";
import { RulesWatcher } from "../../../src/boot-server/machines/rules-watcher.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import type { Release } from "../../../src/boot-server/releases/release.js";
import { BootedMachines } from "../../../src/boot-server/state/booted-machines.js";
import { NetbootError } from "../../../src/index.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { type HttpSite, startHttpSite } from "../support/http-site.js";
import { releaseNamed } from "../support/releases.js";

const releases = [releaseNamed("stable"), releaseNamed("edge"), releaseNamed("arm", "arm64")];
const mac = "52:54:00:aa:bb:01";
const amd64: Machine = { mac, architecture: "amd64" };

const readReleases = async () => releases.map((release) => [release]);

/** A machines file of one machine. */
const own = (words: string) => `machines: [{ match: { mac: "${mac}" }, ${words} }]\n`;

let directory: string;
beforeEach(async () => {
  directory = await sharedDirectory();
});

/** Reads a machines file, and what it names. */
async function rulesOf(text: string, files: Readonly<Record<string, string>> = {}) {
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content);
  }
  const machinesFile = join(directory, "machines.yaml");
  await writeFile(machinesFile, text);
  const programs = await BootPrograms.find([directory]);
  const sources = { machinesFile, defaults: {}, cloudConfig: undefined, releases, programs };
  return loadRules(sources);
}

async function decide(text: string, machine: Machine, bootedAt?: Date): Promise<Decision> {
  const rules = await rulesOf(text);
  const own = { allow: [], deny: [], rules: () => rules, bootedAt: () => bootedAt };
  return new BootPolicy(own).decide(machine);
}

/** In one word: the release, or what becomes of the machine. */
function outcome(decision: Decision): string {
  return decision.kind === "netboot" ? decision.release.name : decision.kind;
}

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
    ["only if all keys match", `{ mac: ${mac}, serial: x }`, { serial: "y" }, false],
    ["if all keys match", `{ mac: "${mac}", serial: x }`, { serial: "x" }, true],
  ];
  for (const [name, match, said, isMatch] of table) {
    it(`finds a machine ${name}`, async () => {
      const text = `machines:\n  - match:\n      ${match}\n    release: edge\n`;
      const decision = await decide(text, { ...amd64, ...said });
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
      const decision = await decide(text, machine, bootedAt);
      assert.equal(outcome(decision), expected);
      assert.match(decision.reasons.join(" "), reason);
    });
  }

  it("gives each machine its words, cloud-config, boot program, offers and name", async () => {
    const text = own(
      "cmdline: quiet console=ttyS1, cloud-config: node.yaml, boot-program: other.efi, offer-style: port-4011, hostname: node-1",
    );
    const files = { "node.yaml": "#cloud-config\n", "other.efi": "program" };
    const [entry] = (await rulesOf(text, files)).entries;
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
    ["a command line of two lines", own('cmdline: "a\\nb"'), /cmdline: must be one line/],
  ];
  for (const [name, text, message] of wrong) {
    it(`with ${name} is refused, with the line`, async () => {
      const files = { "bad.yaml": `#cloud-config\nhostname: \${machine.name}\n` };
      await assert.rejects(rulesOf(text, files), (error) => {
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

it("a machines file that changes while it is being read is read again", async () => {
  const path = join(directory, "machines.yaml");
  await writeFile(path, own("boot: deny"));
  const programs = await BootPrograms.find([]);
  const sources = { defaults: {}, cloudConfig: undefined, readReleases, programs };
  let times = 0;
  const rules = await RulesWatcher.start(
    { ...sources, machinesFile: path },
    {
      onReleases: () => assert.fail(),
      onRules: () => {
        times += 1;
        if (times === 1) writeFileSync(path, own("boot: once"));
      },
      onError: (problem) => assert.fail(problem),
      intervalMs: 2 ** 30,
    },
  );
  try {
    await writeFile(path, own("boot: local"));
    for (let checks = 0; checks < 4; checks += 1) await rules.check();
    assert.equal(times, 2);
    assert.equal(rules.current.entries[0]!.boot, "once");
  } finally {
    rules.close();
  }
});

it("a machines file with empty keys has no entries", async () => {
  const { entries, defaults } = await rulesOf("machines:\ndefaults:\n");
  assert.deepEqual(entries, []);
  assert.equal(defaults.boot, undefined);
});

describe("--allow and --deny", () => {
  const patterns = (texts: string[]) => texts.map((text) => MacPattern.parse(text)!);
  const table: [allow: string[], deny: string[], expected: string][] = [
    [[], [], "stable"],
    [["52:54:00"], [], "stable"],
    [["00:11:22"], [], "deny"],
    [[], ["52:54:00:*"], "deny"],
    [["52:54:00"], [mac], "deny"],
    [["00:11:22", mac], ["00:11"], "stable"],
  ];
  for (const [allow, deny, expected] of table) {
    it(`allow ${allow.join(" ") || "all"}, deny ${deny.join(" ") || "none"}: ${expected}`, () => {
      const rules = () => ({ releases, entries: [], defaults: {}, programs: new Map() });
      const lists = { allow: patterns(allow), deny: patterns(deny) };
      const policy = new BootPolicy({ ...lists, rules, bootedAt: () => undefined });
      assert.equal(outcome(policy.decide(amd64)), expected);
    });
  }
});

it("the defaults apply to a machine without a serial number once iPXE has reported it", async () => {
  const text = `machines: [{ match: { serial: x }, boot-program: other.efi }]\ndefaults: { boot: deny }\n`;
  await writeFile(join(directory, "other.efi"), "program");
  const unsettled = await decide(text, amd64);
  assert.equal(unsettled.kind, "unsettled");
  assert.equal(unsettled.settings.bootProgram, undefined);
  assert.equal((await decide(text, { ...amd64, isFullyKnown: true })).kind, "deny");
});

describe("the boot program in a machines file", () => {
  const ofUefi = { architecture: "amd64", firmware: "uefi", protocol: "pxe" } as const;
  const ofBios = { architecture: "amd64", firmware: "bios", protocol: "pxe" } as const;
  const ofPi = { architecture: "arm64", firmware: "raspberry-pi", protocol: "pxe" } as const;
  const ofUBoot = { architecture: "amd64", firmware: "u-boot", protocol: "pxe" } as const;
  const none = "There is no iPXE for arm64 with raspberry-pi (--ipxe-dir).";
  const table: [client: Partial<BootClient>, program: string, offered: string][] = [
    [ofUefi, "own.efi", "own.efi"],
    [ofUefi, "OWN.EFI", "OWN.EFI"],
    [ofUefi, "shimx64.efi.signed", "shimx64.efi.signed"],
    [ofUefi, "pxelinux.0", "snponly.efi"],
    [{ ...ofUefi, protocol: "http" }, "pxelinux.0", "http://10.0.0.1:8080/programs/snponly.efi"],
    [ofBios, "pxelinux.0", "pxelinux.0"],
    [ofBios, "own.efi", "undionly.kpxe"],
    [ofUBoot, "boot.scr", "boot.scr"],
    [ofPi, "own.efi", none],
  ];
  for (const [client, program, offered] of table) {
    it(`${program} is ${program === offered ? "" : "not "}offered to ${client.firmware} by ${client.protocol}`, async () => {
      const files = { [program]: "", "snponly.efi": "", "undionly.kpxe": "" };
      const rules = await rulesOf(`machines: []\ndefaults: { boot-program: ${program} }\n`, files);
      const own = { allow: [], deny: [], rules: () => rules, bootedAt: () => undefined };
      const programs = await BootPrograms.find([directory]);
      const offers = new BootOffers({
        policy: new BootPolicy(own),
        machineStore: new MachineStore(),
        programs,
      });
      const asks = { mac, isIpxe: false, ...client } as BootClient;
      const choice = await offers.choose(asks, "http://10.0.0.1:8080");
      assert.equal(
        "refusal" in choice ? choice.refusal : "bootFile" in choice && choice.bootFile,
        offered,
      );
    });
  }
});

describe("a machine with boot: once", () => {
  const minutes = 60_000;
  const table: [ago: number | undefined, isUnderWay: boolean, script: string, files: string][] = [
    [undefined, false, "stable", "stable"],
    [2 * minutes, false, "local", "stable"],
    [30 * minutes, false, "local", "local"],
    [30 * minutes, true, "local", "stable"],
  ];
  for (const [ago, isUnderWay, script, files] of table) {
    const when = ago === undefined ? "never" : `${ago / minutes} minutes ago`;
    it(`that booted ${when}${isUnderWay ? ", and is booting" : ""}: script ${script}, files ${files}`, async () => {
      const rules = await rulesOf("defaults: { boot: once }\n");
      const policy = new BootPolicy({
        ...{ allow: [], deny: [], rules: () => rules },
        bootedAt: () => (ago === undefined ? undefined : new Date(Date.now() - ago)),
        isUnderWay: () => isUnderWay,
      });
      assert.equal(outcome(policy.decide(amd64)), script);
      assert.equal(outcome(policy.decideFetch(amd64)), files);
    });
  }

  it("is remembered until its file is removed", async () => {
    const place = join(directory, "booted");
    new BootedMachines(place).add(mac);
    assert.ok(new BootedMachines(place).bootedAt(mac)! <= new Date());
    assert.equal(new BootedMachines(place).bootedAt("52:54:00:aa:bb:02"), undefined);
    await writeFile(join(directory, "file"), "");
    const unwritable = new BootedMachines(join(directory, "file"));
    assert.throws(() => unwritable.add(mac));
    assert.ok(unwritable.bootedAt(mac)! <= new Date());
    await rm(join(place, "52-54-00-aa-bb-01"));
    assert.equal(new BootedMachines(place).bootedAt(mac), undefined);
  });
});

describe("machines over HTTP", () => {
  let site: HttpSite;
  let state: string;
  const machinesFile = `machines:
  - match: { mac: "52:54:00:00:00:01" }
    hostname: node-1
    cloud-config: secret.yaml
    cmdline: console=ttyS1
  - match: { mac: "52:54:00:00:00:02" }
    cloud-config: https://configs.example/\${machine.mac}?serial=\${machine.serial}
  - match: { mac: "52:54:00:00:00:03" }
    boot: local
  - match: { mac: "52:54:00:00:00:04" }
    boot: deny
`;
  const secret = `#cloud-config
password: hunter2
hostname: \${machine.hostname}
# \${machine.mac} \${machine.ip} \${machine.uuid} \${machine.serial}
shell: \${HOSTNAME} {{ .MachineID }}
`;
  before(async () => {
    state = await sharedDirectory();
    await mkdir(state, { recursive: true });
    await writeFile(join(state, "machines.yaml"), machinesFile);
    await writeFile(join(state, "secret.yaml"), secret);
  });
  beforeEach(async () => {
    site = await startHttpSite({ releases, machinesFile: join(state, "machines.yaml"), state });
  });
  afterEach(() => site.server.close(0));

  const get = async (path: string) => (await fetch(`${site.base}${path}`)).text();
  const scriptFor = (last: string, more = "") =>
    get(
      `/machine.ipxe?mac=52:54:00:00:00:0${last}&buildarch=x86_64&uuid=U-1&serial=a%22b%0Ac${more}`,
    );
  const configIn = (script: string) => / config_url=(\S+)/.exec(script)?.[1];

  it("gives a machine its cloud-config with its facts, even after a restart", async () => {
    const address = configIn(await scriptFor("1"))!;
    const path = new URL(address).pathname;
    const expected = `#cloud-config
password: hunter2
hostname: node-1
# 52:54:00:00:00:01 127.0.0.1 u-1 a-b-c
shell: \${HOSTNAME} {{ .MachineID }}
`;
    assert.equal(await get(path), expected);
    await site.server.close(0);
    site = await startHttpSite({ releases, machinesFile: join(state, "machines.yaml"), state });
    assert.equal(await get(path), expected);
    assert.equal((await stat(join(state, "key"))).mode & 0o777, 0o600);
  });

  it("refuses a cloud-config for a URL that the server did not make", async () => {
    const path = new URL(configIn(await scriptFor("1"))!).pathname;
    const [word, signature] = path.slice("/cloud-config/".length).split(".") as [string, string];
    const said = JSON.parse(Buffer.from(word, "base64url").toString()) as object;
    const forged = (change: object) =>
      Buffer.from(JSON.stringify({ ...said, ...change })).toString("base64url");
    const attempts = [
      `${forged({ serial: "x" })}.${signature}`,
      `${word}.${"A".repeat(signature.length)}`,
      `${word}.${signature.slice(0, -2)}`,
      word,
      "52:54:00:00:00:01",
      "secret.yaml",
    ];
    for (const attempt of attempts) {
      const answer = await fetch(`${site.base}/cloud-config/${attempt}`);
      assert.equal(answer.status, 403, attempt);
      assert.doesNotMatch(await answer.text(), /hunter2/);
    }
  });

  it("keeps cloud-configs out of the status and the log", async () => {
    const events: unknown[] = [];
    const own = await startHttpSite({
      releases,
      machinesFile: join(state, "machines.yaml"),
      state,
      onEvent: (event) => events.push(event),
    });
    const script = await (
      await fetch(`${own.base}/machine.ipxe?mac=52:54:00:00:00:01&buildarch=x86_64`)
    ).text();
    const path = new URL(configIn(script)!).pathname;
    await fetch(`${own.base}${path}`);
    own.eventLog.add({ type: "script", mac: "52:54:00:00:00:01", release: "stable", reasons: [] });
    const seen = [JSON.stringify(events)];
    for (const page of ["/", "/api/machines", "/api/machines/52:54:00:00:00:01", "/metrics"]) {
      seen.push(await (await fetch(`${own.base}${page}`)).text());
    }
    await own.server.close(0);
    assert.match(seen.join(), /52:54:00:00:00:01/);
    assert.ok(!seen.join().includes("hunter2"));
    assert.ok(!seen.join().includes(path.slice("/cloud-config/".length)));
  });

  it("encodes the facts of a machine in a URL", async () => {
    const address = configIn(await scriptFor("2"));
    assert.equal(address, "https://configs.example/52%3A54%3A00%3A00%3A00%3A02?serial=a%22b%0Ac");
  });

  it("adds the words of a machine's entry to its command line", async () => {
    assert.match(await scriptFor("1"), /^kernel .* console=ttyS1 /m);
  });

  for (const [last, word] of [
    ["3", "disk"],
    ["4", "not served"],
  ] as const) {
    it(`gives machine ${last} neither a script nor files`, async () => {
      const script = await scriptFor(last);
      assert.match(script, new RegExp(word));
      assert.match(script, /^exit 1$/m);
      assert.doesNotMatch(script, /^(kernel|initrd|boot)/m);
      for (const name of ["stable-kernel", "stable-initrd", "stable.squashfs"]) {
        const { status } = await fetch(`${site.base}/releases/1/${name}`);
        assert.equal(status, 403, name);
      }
    });
  }

  describe("gives the files of a script to the machine that got the script", () => {
    /** Where the files of a machine's script are, without the server. */
    const placeIn = (script: string) =>
      / root=live:http:\/\/[^/]+(\/.*)\/stable\.squashfs /.exec(script)![1]!;
    const own = "52:54:00:00:00:01";
    const other = "52:54:00:00:00:77";
    const files = ["stable-kernel", "stable-initrd", "stable.squashfs"];
    const neighbour = (mac: string) => {
      return { address: "127.0.0.1", mac, interface: "eth0", isComplete: true };
    };
    let owner = own;
    let strict: HttpSite;
    let place: string;
    beforeEach(async () => {
      const names = ["a", "b", "c"].map((it) => join(directory, it));
      await mkdir(directory, { recursive: true });
      for (const path of names) await writeFile(path, path);
      const [kernel, initrd, squashfs] = names as [string, string, string];
      const stable = releases[0]!;
      const real: Release = {
        ...stable,
        kernel: { ...stable.kernel, path: kernel },
        initrd: { ...stable.initrd, path: initrd },
        squashfs: { ...stable.squashfs, path: squashfs },
      };
      const machinesFile = join(directory, "machines.yaml");
      await writeFile(
        machinesFile,
        `machines: [{ match: { mac: "${own}", serial: S1 }, boot: netboot }]\ndefaults: { boot: deny }\n`,
      );
      const start = () =>
        startHttpSite({
          releases: [real],
          machinesFile,
          state: directory,
          neighbours: () => [neighbour(owner)],
        });
      owner = own;
      const earlier = await start();
      const script = await fetch(
        `${earlier.base}/machine.ipxe?mac=${own}&buildarch=x86_64&serial=S1`,
      );
      place = placeIn(await script.text());
      await earlier.server.close(0);
      strict = await start();
    });
    afterEach(() => strict.server.close(0));

    it("even by another network card, and after a restart", async () => {
      owner = other;
      for (const name of files) {
        assert.equal((await fetch(`${strict.base}/releases/1/${name}`)).status, 403, name);
        assert.equal((await fetch(`${strict.base}${place}/${name}`)).status, 200, name);
      }
    });

    it("by a short token that gives no access to a cloud-config", async () => {
      const word = place.split("/")[2]!;
      assert.ok(word.length < 100, word);
      assert.equal((await fetch(`${strict.base}/cloud-config/${word}`)).status, 403);
    });

    it("but not for a forged token", async () => {
      for (const word of ["x", "x.y", place.split("/")[2]!.slice(0, -2), ""]) {
        const answer = await fetch(`${strict.base}/for/${word}/releases/1/stable.squashfs`);
        const isNone = word === "";
        assert.equal(answer.status, isNone ? 404 : 403, word);
        if (!isNone) assert.match(await answer.text(), /made it with another key\./);
      }
    });

    it("and no other files below the same path", async () => {
      const prefix = place.slice(0, place.indexOf("/releases/"));
      for (const path of [
        "",
        "/",
        "/machine.ipxe",
        "/programs/snponly.efi",
        `${prefix}/releases/1/a`,
      ]) {
        assert.equal((await fetch(`${strict.base}${prefix}${path}`)).status, 404, path);
      }
    });
  });

  it("does not pass text of a machine to iPXE", async () => {
    const answer = await get(
      "/machine.ipxe?mac=52:54:00:00:00:05&buildarch=$%7Bx%7D%0Aboot&platform=efi",
    );
    assert.doesNotMatch(answer, /\$\{x\}|^boot$/m);
  });
});

describe("the status page", () => {
  it("shows what happens, and escapes the text of machines", async () => {
    const site = await startHttpSite({ releases });
    const own = { mac, client: "10.0.0.9", protocol: "http", role: "squashfs" } as const;
    const empty = await (await fetch(`${site.base}/`)).text();
    assert.match(empty, /No machine has asked yet/);
    await fetch(`${site.base}/machine.ipxe?mac=${mac}&buildarch=x86_64&hostname=%3Cb%3Ebold`);
    site.eventLog.add({ type: "script", mac, release: "stable", reasons: [] });
    site.eventLog.add({
      ...own,
      type: "progress",
      name: "x.squashfs",
      sent: 25,
      size: 100,
      rate: 5_000_000,
    });
    const answer = await fetch(`${site.base}/`);
    const page = await answer.text();
    assert.match(page, /52:54:00:aa:bb:01.*is booting/s);
    assert.match(page, /squashfs 25 %, 5\.0 MB\/s/);
    assert.match(page, /&lt;b&gt;bold/);
    assert.doesNotMatch(page, /<b>bold/);
    assert.doesNotMatch(page, /https?:\/\//);
    const policy = answer.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'/);
    const machines = (await (await fetch(`${site.base}/api/machines`)).json()) as {
      machines: { steps: { percent: number }[] }[];
    };
    assert.equal(machines.machines[0]!.steps.at(-1)!.percent, 25);
    const metrics = await (await fetch(`${site.base}/metrics`)).text();
    assert.match(metrics, /^kairos_netboot_transfers 0$/m);
    await site.server.close(0);
  });
});

it("shows on the status page why a machine is refused", async () => {
  const site = await startHttpSite({ releases });
  const reason = "It is excluded by --deny 52:54:00:aa.";
  const mac = "52:54:00:aa:bb:02";
  site.eventLog.add({ type: "ignored", mac, reason, isNotable: true });
  assert.match(await (await fetch(`${site.base}/`)).text(), /is refused.*excluded by --deny/s);
  await site.server.close(0);
});

it("keeps the key of an earlier run", async () => {
  const state = await sharedDirectory();
  for (const _ of [1, 2]) await (await startHttpSite({ releases, state })).server.close(0);
  const key = await readFile(join(state, "key"), "utf8");
  assert.match(key, /^[0-9a-f]{64}\n$/);
});
