import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { BootPolicy } from "../../../src/boot-server/machines/boot-policy.js";
import { MacPattern } from "../../../src/boot-server/machines/mac-pattern.js";
import { BootedMachines } from "../../../src/boot-server/state/booted-machines.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { amd64, decide, mac, outcome, releases, rulesOf } from "../support/rules-of.js";

let directory: string;
beforeEach(async () => {
  directory = await sharedDirectory();
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
  const unsettled = await decide(directory, text, amd64);
  assert.equal(unsettled.kind, "unsettled");
  assert.equal(unsettled.settings.bootProgram, undefined);
  assert.equal((await decide(directory, text, { ...amd64, isFullyKnown: true })).kind, "deny");
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
      const rules = await rulesOf(directory, "defaults: { boot: once }\n");
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
