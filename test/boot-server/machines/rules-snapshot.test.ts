import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, it } from "node:test";
import { RulesWatcher } from "../../../src/boot-server/machines/rules-watcher.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { own, releases } from "../support/rules-of.js";

const readReleases = async () => releases.map((release) => [release]);

let directory: string;
beforeEach(async () => {
  directory = await sharedDirectory();
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
