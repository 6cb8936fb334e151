import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  cp,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { RulesWatcher } from "../../../src/boot-server/machines/rules-watcher.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import { readAllReleases } from "../../../src/boot-server/releases/find-releases.js";
import type { Release } from "../../../src/boot-server/releases/release.js";
import { describeReleaseChange } from "../../../src/boot-server/releases/release-change.js";
import { type ExtractOptions, extract } from "../../../src/index.js";
import { demoImage, demoName } from "../../extract/support/run-netboot.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { type HttpSite, startHttpSite } from "../support/http-site.js";
import { releaseNamed } from "../support/releases.js";

let scratch: string;
/** A published release, which tests copy. */
let made: string;
before(async () => {
  scratch = await sharedDirectory();
  made = join(scratch, "made");
  await make(made);
});

function make(output: string, more: Partial<ExtractOptions> = {}) {
  return extract({ image: demoImage, output, platform: "amd64", force: true, ...more });
}

describe("a server whose directories change", () => {
  let directory: string;
  let out: string;
  let told: string[];
  let rules: RulesWatcher | undefined;
  let site: HttpSite | undefined;
  beforeEach(async () => {
    directory = await mkdtemp(join(scratch, "test-"));
    out = join(directory, "out");
    told = [];
  });
  afterEach(async () => {
    rules?.close();
    await site?.server.close(0);
  });

  async function serve(directories: readonly string[], machines?: string): Promise<HttpSite> {
    const machinesFile = machines && join(directory, "machines.yaml");
    if (machinesFile) await writeFile(machinesFile, machines);
    const places = { directories, files: undefined };
    const sources = {
      machinesFile: machinesFile || undefined,
      defaults: {},
      cloudConfig: undefined,
      programs: await BootPrograms.find([]),
      readReleases: (beforeRead: (path: string) => Promise<void>) =>
        readAllReleases(places, beforeRead),
    };
    rules = await RulesWatcher.start(sources, {
      onRules: ({ entries }) => told.push(`rules: ${entries.length}`),
      onReleases: (...change) => told.push(describeReleaseChange(...change)),
      onError: (problem) => told.push(`error: ${problem}`),
      // Only when a test asks for it: no check comes at the wrong time.
      intervalMs: 2 ** 30,
    });
    site = await startHttpSite({ rules: () => rules!.current, state: directory });
    return site;
  }

  /** Kernel, initrd and squashfs as another tool may have made them. */
  async function copyWithoutDescription(): Promise<void> {
    await cp(made, out, { recursive: true });
    for (const name of ["netboot.json", "SHA256SUMS"]) await rm(join(out, name));
  }

  /** Checks the files until the server reports something: a change counts from the second check on. */
  async function next(): Promise<string> {
    for (let checks = 0; told.length === 0; checks += 1) {
      assert.ok(checks < 5, "nothing is reported");
      await rules!.check();
    }
    return told.shift()!;
  }

  /** Checks the files as often as a change needs to be reported. */
  async function checkFiles(): Promise<void> {
    for (let checks = 0; checks < 3; checks += 1) await rules!.check();
  }

  /** The URLs in a machine's script, by the end of the file names. */
  async function addressesIn({ base }: HttpSite): Promise<Record<string, string>> {
    const url = `${base}/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64`;
    const script = await (await fetch(url)).text();
    const addresses = script.match(/http:\/\/\S+?\/releases\/[^\s"]+/g) ?? [];
    return Object.fromEntries(
      addresses.map((it) => [/(kernel|initrd|squashfs)$/.exec(it)?.[1], it]),
    );
  }

  const statusOf = async (url: string) => {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    return answer.status;
  };

  it("serves a release with a new name, and nothing of the old one", async () => {
    await cp(made, out, { recursive: true });
    const site = await serve([out]);
    const old = await addressesIn(site);
    assert.equal(await statusOf(old.initrd!), 200);
    await make(out, { name: "newer" });
    assert.equal(await next(), `The releases changed: added newer; removed ${demoName}.`);
    const now = await addressesIn(site);
    for (const [role, file] of [
      ["kernel", "newer-kernel"],
      ["initrd", "newer-initrd"],
      ["squashfs", "newer.squashfs"],
    ] as const) {
      const bytes = await readFile(join(out, file));
      const answer = await fetch(now[role]!);
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      assert.equal(answer.headers.get("etag"), `"${sha256}"`);
      assert.equal(await statusOf(old[role]!), 410);
    }
    assert.match(await (await fetch(old.squashfs!)).text(), /has been removed or rebuilt/);
    assert.equal(await statusOf(`${site.base}/releases/1/newer-kernel`), 200);
    assert.equal(await statusOf(`${site.base}/releases/1/${demoName}-kernel`), 404);
  });

  it("never mixes two releases of one name", async () => {
    await cp(made, out, { recursive: true });
    const site = await serve([out]);
    const old = await addressesIn(site);
    const before = await readFile(join(out, `${demoName}.squashfs`));
    await make(out, { compression: "gzip" });
    // The server may not have noticed the change yet.
    assert.ok([503, 410].includes(await statusOf(old.squashfs!)));
    assert.equal(await next(), `The releases changed: rebuilt ${demoName}.`);
    for (const address of Object.values(old)) assert.equal(await statusOf(address), 410);
    const now = await addressesIn(site);
    const bytes = Buffer.from(await (await fetch(now.squashfs!)).arrayBuffer());
    assert.deepEqual(bytes, await readFile(join(out, `${demoName}.squashfs`)));
    assert.notDeepEqual(bytes, before);
  });

  it("answers a request for a file that it does not know yet with a request to retry", async () => {
    await cp(made, out, { recursive: true });
    const [releases] = await readAllReleases({ directories: [out], files: undefined });
    site = await startHttpSite({ releases: releases!, state: directory });
    const { squashfs } = await addressesIn(site);
    await make(out, { compression: "gzip" });
    for (const url of [squashfs!, `${site.base}/releases/1/${demoName}.squashfs`]) {
      const answer = await fetch(url);
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get("retry-after"), "2");
      assert.match(await answer.text(), /being replaced/);
    }
    await rm(out, { recursive: true });
    assert.equal(await statusOf(squashfs!), 503);
  });

  it("reports nothing if the same release is published again", async () => {
    await cp(made, out, { recursive: true });
    const site = await serve([out]);
    const old = await addressesIn(site);
    await make(out);
    await checkFiles();
    assert.equal(await statusOf(old.squashfs!), 200);
    assert.deepEqual(await addressesIn(site), old);
    assert.deepEqual(told, []);
  });

  it("keeps serving the previous release while a directory is incomplete, and reports that once", async () => {
    await cp(made, out, { recursive: true });
    const site = await serve([out]);
    const old = await addressesIn(site);
    const [squashfs, description] = [`${demoName}.squashfs`, "netboot.json"];
    await rename(join(out, squashfs), join(directory, squashfs));
    assert.match(await next(), /^error: The file \S+\.squashfs is missing\.$/);
    await utimes(join(out, description), new Date(), new Date());
    await checkFiles();
    assert.deepEqual(told, []);
    assert.deepEqual(await addressesIn(site), old);
    assert.equal(await statusOf(old.kernel!), 200);
    await rename(join(directory, squashfs), join(out, squashfs));
    assert.equal(await next(), `All releases are valid again: ${demoName}.`);
    assert.equal(await statusOf(old.squashfs!), 200);
  });

  it("does not take a directory that extract is publishing for undescribed files", async () => {
    await cp(made, out, { recursive: true });
    const site = await serve([out]);
    const old = await addressesIn(site);
    await writeFile(join(out, ".kairos-netboot-publishing"), "");
    await rm(join(out, "netboot.json"));
    assert.match(await next(), /^error: The netboot\.json in \S+ cannot be read\.$/);
    assert.deepEqual(await addressesIn(site), old);
  });

  it("notices subdirectories that appear or disappear", async () => {
    const [a, b] = [join(out, "a"), join(out, "b")];
    await make(a, { name: "a" });
    const site = await serve([out], "defaults: { release: a }\n");
    await make(b, { name: "b", compression: "gzip" });
    assert.equal(await next(), "The releases changed: added b.");
    assert.match((await addressesIn(site)).kernel!, /a-kernel$/);
    await writeFile(join(directory, "machines.yaml"), "defaults: { release: b }\n");
    assert.equal(await next(), "rules: 0");
    const ofB = await addressesIn(site);
    await rm(a, { recursive: true });
    assert.equal(await next(), "The releases changed: removed a.");
    // The position of the release has changed, but not its URL.
    assert.deepEqual(await addressesIn(site), ofB);
    assert.equal(await statusOf(ofB.squashfs!), 200);
  });

  it("keeps a release that a rule names until the rules change", async () => {
    const [a, b] = [join(directory, "a"), join(directory, "b")];
    await make(a, { name: "a" });
    await make(b, { name: "b" });
    const site = await serve([a, b], "defaults: { release: b }\n");
    const old = await addressesIn(site);
    await make(b, { name: "c" });
    assert.match(await next(), /^error: .*line 1.*no release b is served \(served: a, c\)/);
    assert.deepEqual(await addressesIn(site), old);
    await writeFile(join(directory, "machines.yaml"), "defaults: { release: c }\n");
    assert.equal(await next(), "rules: 0");
    assert.equal(await next(), "The releases changed: added c; removed b.");
    assert.match((await addressesIn(site)).kernel!, /c-kernel$/);
  });

  it("reports a directory that has several releases for one architecture", async () => {
    await make(join(out, "a"), { name: "a" });
    await serve([out]);
    await make(join(out, "b"), { name: "b" });
    assert.match(await next(), /^error: .*contains several releases for amd64: a, b\./);
    await rm(join(out, "b"), { recursive: true });
    assert.equal(await next(), "All releases are valid again: a.");
  });

  it("notices a replaced file even if its size and time are the same", async () => {
    await copyWithoutDescription();
    const site = await serve([out]);
    const old = await addressesIn(site);
    const squashfs = join(out, `${demoName}.squashfs`);
    const { mtime } = await stat(squashfs);
    const other = Buffer.from(await readFile(squashfs));
    other[other.length - 1]! ^= 1;
    await writeFile(join(directory, "other"), other);
    await utimes(join(directory, "other"), mtime, mtime);
    await rename(join(directory, "other"), squashfs);
    assert.equal(await next(), `The releases changed: rebuilt ${demoName}.`);
    assert.equal(await statusOf(old.kernel!), 410);
    const now = await addressesIn(site);
    assert.deepEqual(Buffer.from(await (await fetch(now.squashfs!)).arrayBuffer()), other);
  });

  it("waits for a file that is still being written", async () => {
    await copyWithoutDescription();
    const site = await serve([out]);
    const squashfs = join(out, `${demoName}.squashfs`);
    const whole = Buffer.concat([await readFile(squashfs), Buffer.alloc(20)]);
    for (let size = 1; size <= 20; size += 1) {
      await writeFile(squashfs, whole.subarray(0, whole.length - 20 + size));
      await rules!.check();
    }
    assert.deepEqual(told, []);
    assert.equal(await next(), `The releases changed: rebuilt ${demoName}.`);
    const { squashfs: address } = await addressesIn(site);
    assert.deepEqual(Buffer.from(await (await fetch(address!)).arrayBuffer()), whole);
  });

  it("refuses a truncated squashfs", async () => {
    await copyWithoutDescription();
    const site = await serve([out]);
    const old = await addressesIn(site);
    const squashfs = join(out, `${demoName}.squashfs`);
    const whole = await readFile(squashfs);
    await writeFile(squashfs, whole.subarray(0, 200));
    assert.match(
      await next(),
      /^error: The file \S+ has \d+ bytes, but its file system needs \d+\.$/,
    );
    assert.deepEqual(await addressesIn(site), old);
    await writeFile(squashfs, whole);
    assert.equal(await next(), `The releases changed: rebuilt ${demoName}.`);
  });

  it("reads the rules again if a boot program that they name is replaced", async () => {
    await cp(made, out, { recursive: true });
    await writeFile(join(directory, "own.efi"), "one");
    await serve([out], "defaults: { boot-program: own.efi }\n");
    await writeFile(join(directory, "own.efi"), "another");
    assert.equal(await next(), "rules: 0");
    assert.equal(rules!.current.programs.get("own.efi")!.size, 7);
  });

  it("notices a symbolic link with a new target", async () => {
    await cp(made, join(directory, "1"), { recursive: true });
    await make(join(directory, "2"), { name: "second" });
    await symlink("1", out);
    await serve([out]);
    await symlink("2", join(directory, "link"));
    await rename(join(directory, "link"), out);
    assert.equal(await next(), `The releases changed: added second; removed ${demoName}.`);
  });
});

describe("the description of a change of releases", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => releaseNamed(name)) as [
    Release,
    Release,
    Release,
  ];
  const table: [before: Release[], now: Release[], said: string][] = [
    [[a], [b], "The releases changed: added b; removed a."],
    [[a], [a, b], "The releases changed: added b."],
    [[a, b], [b], "The releases changed: removed a."],
    [[a, b], [b, a], "The releases changed: new order b, a."],
    [[a], [{ ...a, id: "cdefcdefcdef" }], "The releases changed: rebuilt a."],
    [[a], [{ ...a, commandLine: "quiet" }], "The releases changed: rebuilt a."],
    [
      [a, b],
      [{ ...a, cloudConfig: { text: "" } }, c],
      "The releases changed: added c; removed b; rebuilt a.",
    ],
    [[a], [a], "All releases are valid again: a."],
  ];
  for (const [before, now, said] of table) {
    it(said, () => assert.equal(describeReleaseChange(now, before), said));
  }
});
