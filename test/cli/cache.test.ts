import assert from "node:assert/strict";
import {
  cp,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { extract } from "../../src/extract/index.js";
import { addImage, noise } from "../extract/support/images.js";
import { cannotMount, mountTmpfs } from "../extract/support/mounts.js";
import { runCommand } from "../extract/support/run-command.js";
import { outcomeOf, startProgram, succeed } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { serveImage } from "../oci-client/support/local-server.js";
import { countingRegistry } from "../sources/support/counting-registry.js";
import { baseLayer } from "../support/base-layer.js";
import { assertRefusal } from "./support/refusal.js";

const content = new ImageContent();
const root = addImage(content, [baseLayer, [noise("noise", 300_000)]]);
const layers: { digest: string; size: number }[] = content.json(root).layers;
const large = layers[1]!;
const day = 24 * 60 * 60;

/** A cache that an extraction has filled, made once for all tests. */
let filled: string;
before(async () => {
  filled = await sharedDirectory();
  const { host } = await serveImage({ after } as TestContext, content, root);
  await extractInto(filled, host);
});

/** A directory with a copy of that cache, and a registry for another extraction. */
async function filledCache(t: TestContext) {
  const cwd = await temporaryDirectory();
  await cp(join(filled, "cache"), join(cwd, "cache"), {
    recursive: true,
    preserveTimestamps: true,
  });
  const registry = await serveImage(t, content, root);
  const blobs = join(cwd, "cache/blobs/sha256");
  return { cwd, blobs, extract: () => extractInto(cwd, registry.host), ...registry };
}

async function extractInto(cwd: string, host: string): Promise<void> {
  await extract({
    image: `${host}/os/image:v1`,
    output: join(cwd, "out"),
    platform: "amd64",
    cacheDir: join(cwd, "cache"),
    force: true,
  });
}

function cache(cwd: string, ...words: string[]) {
  return runCommand(["cache", ...words, "--cache-dir=cache"], { cwd });
}

function parseLines(stdout: string) {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Makes a file look as if it was last used this many days ago. */
async function age(path: string, days: number): Promise<void> {
  const then = Date.now() / 1000 - days * day;
  await utimes(path, then, then);
}

describe("cache ls", () => {
  it("lists blobs with their sizes and the time of their last use, oldest last", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    await age(join(blobs, large.digest.slice(7)), 40);
    const { status, stdout } = await cache(cwd, "ls");
    assert.equal(status, 0);
    const lines = stdout.trim().split("\n");
    assert.match(lines.at(-2)!, new RegExp(`^${large.digest} +3\\d\\d\\.\\d kB  40 d ago$`));
    assert.match(lines.at(-1)!, /^3 blobs: 3\d\d\.\d kB in cache$/);
  });

  it("marks partial files", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    await writeFile(join(blobs, `${"a".repeat(64)}.partial`), Buffer.alloc(500));
    const { stdout } = await cache(cwd, "ls");
    assert.match(stdout, /sha256:a{64} +500 B .* partial$/m);
    assert.match(stdout, /^4 blobs, 1 of them incomplete: /m);
  });

  it("prints the same as JSON lines", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    const lines = parseLines((await cache(cwd, "ls", "--json")).stdout);
    const names = await readdir(blobs);
    assert.deepEqual(
      lines
        .slice(0, -1)
        .map(({ digest }) => digest.slice(7))
        .sort(),
      names.sort(),
    );
    for (const { type, digest, state, size, lastUsed, inUse } of lines.slice(0, -1)) {
      const found = await stat(join(blobs, digest.slice(7)));
      assert.deepEqual([type, state, size, inUse], ["blob", "complete", found.size, false]);
      assert.equal(lastUsed, found.mtime.toISOString());
    }
    assert.equal(lines.at(-1).type, "total");
    assert.equal(lines.at(-1).blobs, names.length);
  });

  it("succeeds without a cache directory, and does not create one", async () => {
    const cwd = await temporaryDirectory();
    const { status, stdout } = await cache(cwd, "ls");
    assert.deepEqual([status, stdout], [0, "The cache in cache is empty\n"]);
    assert.deepEqual(await readdir(cwd), []);
  });
});

describe("cache prune", () => {
  it("removes blobs that were unused for 30 days, and the next extraction fetches them again", async (t) => {
    const { cwd, blobs, extract, requests } = await filledCache(t);
    await age(join(blobs, large.digest.slice(7)), 31);
    await age(join(blobs, layers[0]!.digest.slice(7)), 29);
    const { status, stdout } = await cache(cwd, "prune");
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^Removed ${large.digest} `));
    assert.equal(stdout.trim().split("\n").length, 2);
    requests.length = 0;
    await extract();
    const fetched = requests.filter(({ url }) => url!.includes("/blobs/")).map(({ url }) => url);
    assert.deepEqual(fetched, [`/v2/os/image/blobs/${large.digest}`]);
  });

  it("keeps blobs that a later run has used", async (t) => {
    const { cwd, blobs, extract } = await filledCache(t);
    for (const name of await readdir(blobs)) await age(join(blobs, name), 60);
    await extract();
    await cache(cwd, "prune", "--older-than", "1d");
    const names = await readdir(blobs);
    for (const { digest } of layers) assert.ok(names.includes(digest.slice(7)));
  });

  it("keeps the most recently used blobs up to the maximum size", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    const names = ["1", "2", "3", "4"].map((digit) => digit.repeat(64));
    for (const [index, name] of names.entries()) {
      await writeFile(join(blobs, name), Buffer.alloc(1_000_000));
      await age(join(blobs, name), index + 1);
    }
    const { stdout } = await cache(cwd, "prune", "--max-size=2.5M");
    assert.match(
      stdout,
      /^Removed sha256:4{64} .*\nRemoved sha256:3{64} .*\nFreed 2\.0 MB; 2\.3 MB left/,
    );
    await writeFile(join(blobs, `${"5".repeat(64)}.partial`), "");
    await cache(cwd, "prune", "--max-size=0");
    assert.deepEqual(await readdir(blobs), []);
  });

  it("removes old partial and temporary files, and no files of other programs", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    const own = [`${"a".repeat(64)}.partial`, `${"b".repeat(64)}.new-12345678`];
    const foreign = ["notes.txt", "README"];
    for (const name of [...own, ...foreign]) {
      await writeFile(join(blobs, name), "x");
      await age(join(blobs, name), 90);
    }
    await cache(cwd, "prune");
    const names = await readdir(blobs);
    assert.deepEqual(
      [...own, ...foreign].filter((name) => names.includes(name)),
      foreign,
    );
  });

  it("removes nothing with --dry-run", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    const before = await readdir(blobs);
    const { stdout } = await cache(cwd, "prune", "--max-size", "0", "--dry-run");
    assert.match(stdout, /^Would remove sha256:/);
    assert.deepEqual(await readdir(blobs), before);
  });

  it("works on a full disk", { skip: cannotMount }, async (t) => {
    const { cwd, blobs } = await filledCache(t);
    const full = join(cwd, "full");
    await mountTmpfs(full, 1024 * 1024);
    await cp(join(cwd, "cache"), full, { recursive: true });
    await succeed("sh", ["-c", `cat /dev/zero > ${full}/rest || true`]);
    const outcome = await runCommand(["cache", "prune", "--max-size=0", `--cache-dir=${full}`], {
      cwd,
    });
    assert.equal(outcome.status, 0, outcome.stderr);
    const names = await readdir(blobs);
    assert.equal(outcome.stdout.match(/^Removed /gm)?.length, names.length);
    assert.deepEqual(await readdir(join(full, "blobs/sha256")), []);
    assert.deepEqual(await readdir(join(full, "locks")), []);
  });

  it("keeps the files that a running process uses", async (t) => {
    const { cwd, outcome, release } = await heldExtract(t);
    const listed = parseLines((await cache(cwd, "ls", "--json")).stdout);
    assert.ok(
      listed.some(
        ({ digest, state, inUse }) => digest === large.digest && state === "partial" && inUse,
      ),
    );
    const lines = parseLines((await cache(cwd, "prune", "--max-size=0", "--json")).stdout);
    const used = lines.filter(({ type }) => type === "in-use").map(({ digest }) => digest);
    assert.ok(used.includes(large.digest));
    const served = release();
    const { status, stderr } = await outcome;
    assert.equal(status, 0, stderr);
    assert.equal(served.filter(({ digest }) => digest === large.digest).length, 1);
  });

  it("removes the files of a killed process", async (t) => {
    const { cwd, child, outcome } = await heldExtract(t);
    child.kill("SIGKILL");
    await outcome;
    await cache(cwd, "prune", "--max-size=0");
    assert.deepEqual(await readdir(join(cwd, "cache/blobs/sha256")), []);
    assert.deepEqual(await readdir(join(cwd, "cache/locks")), []);
  });
});

/** Starts an extraction, and waits until it has the first half of the large layer and nothing more. */
async function heldExtract(t: TestContext) {
  const registry = await countingRegistry(t, content, root, { holdAt: Math.floor(large.size / 2) });
  const cwd = await temporaryDirectory();
  const words = ["extract", `${registry.host}/os/image:v1`, "-o", "out", "--platform=amd64"];
  const child = startProgram([...words, "--cache-dir=cache"], { cwd });
  t.after(() => child.kill("SIGKILL"));
  const outcome = outcomeOf(child);
  const partial = join(cwd, "cache/blobs/sha256", `${large.digest.slice(7)}.partial`);
  const size = () =>
    stat(partial).then(
      (stats) => stats.size,
      () => 0,
    );
  while ((await size()) === 0) await delay(20);
  const release = () => {
    registry.release();
    return registry.served;
  };
  return { cwd, child, outcome, release };
}

describe("cache verify", () => {
  it("finds intact blobs intact, as sha256sum does", async (t) => {
    const { cwd, blobs } = await filledCache(t);
    const { status, stdout } = await cache(cwd, "verify");
    assert.deepEqual([status, stdout], [0, "3 blobs are intact in cache\n"]);
    const sums = (await readdir(blobs)).map((name) => `${name}  ${name}\n`).join("");
    await writeFile(join(cwd, "SUMS"), sums);
    await succeed("sha256sum", ["-c", "--strict", "--quiet", join(cwd, "SUMS")], blobs);
  });

  it("removes damaged blobs, exits with status 1, and the next extraction fetches them again", async (t) => {
    const { cwd, blobs, extract } = await filledCache(t);
    const path = join(blobs, large.digest.slice(7));
    const right = await readFile(path);
    await writeFile(path, Buffer.from(right).fill(0, 1000, 1010));
    const outcome = await cache(cwd, "verify");
    assert.equal(outcome.status, 1);
    assert.match(
      outcome.stdout,
      new RegExp(`^Damaged, removed: ${large.digest} .*\n2 blobs are intact`),
    );
    assert.match(outcome.stderr, /1 blob was damaged\.\n {2}.*fetches them again/);
    await extract();
    assert.deepEqual(await readFile(path), right);
    assert.equal((await cache(cwd, "verify")).status, 0);
  });
});

describe("cache verify on Ctrl-C", () => {
  it("ends immediately with status 130, and removes nothing", { timeout: 60_000 }, async (t) => {
    const cwd = await temporaryDirectory();
    const path = join(cwd, "cache/blobs/sha256", "0".repeat(64));
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, "");
    // A sparse file takes no space, and minutes to read.
    await truncate(path, 200 * 10 ** 9);
    const child = startProgram(["cache", "verify", "--cache-dir=cache"], { cwd });
    t.after(() => child.kill("SIGKILL"));
    const outcome = outcomeOf(child);
    const open = async () => {
      const names = await readdir(`/proc/${child.pid}/fd`).catch(() => []);
      const links = names.map((name) => readlink(`/proc/${child.pid}/fd/${name}`).catch(() => ""));
      return (await Promise.all(links)).some((link) => link.endsWith("0".repeat(64)));
    };
    while (!(await open())) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    const { status, stderr } = await outcome;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /^kairos-netboot: Interrupted\.$/m);
    assert.equal((await stat(path)).size, 200 * 10 ** 9);
  });
});

describe("wrong usage of cache", () => {
  for (const [name, words, message] of [
    ["an invalid time", ["prune", "--older-than=soon"], /--older-than/],
    ["a time without a unit", ["prune", "--older-than=30"], /--older-than/],
    ["an invalid size", ["prune", "--max-size=lots"], /--max-size/],
    ["a size without a unit", ["prune", "--max-size=20"], /--max-size/],
    ["a negative size", ["prune", "--max-size=-1G"], /--max-size/],
    ["an unknown command", ["clean"], /clean/],
    ["an unknown option", ["ls", "--old"], /--old/],
  ] as const) {
    it(`${name} is refused with status 2`, async () => {
      const cwd = await temporaryDirectory();
      const outcome = await runCommand(["cache", ...words], { cwd });
      assertRefusal(outcome, { status: 2, message, hint: /./ });
    });
  }

  it("an empty --cache-dir is refused with status 2", async () => {
    const cwd = await temporaryDirectory();
    const outcome = await runCommand(["cache", "prune", "--cache-dir="], { cwd });
    assertRefusal(outcome, { status: 2, message: /--cache-dir/, hint: /./ });
  });
});
