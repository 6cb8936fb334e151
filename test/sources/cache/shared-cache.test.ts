import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { addImage, noise } from "../../extract/support/images.js";
import { type Outcome, outcomeOf, startProgram } from "../../extract/support/run-netboot.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";
import { type CountingRegistry, countingRegistry } from "../support/counting-registry.js";

const content = new ImageContent();
const root = addImage(content, [baseLayer, [noise("noise", 1_000_000)]]);
const layers: { digest: string; size: number }[] = content.json(root).layers;
const large = layers[1]!;
/** The registry stops here, until all processes are where the test wants them. */
const holdAt = 500_000;
const waiting = /Another process is fetching layers already/;

describe("processes that share a cache", () => {
  it("fetch each layer once if all of them start at the same time", async (t) => {
    const registry = await countingRegistry(t, content, root, { holdAt });
    const cwd = await temporaryDirectory();
    const children = startAll(t, registry, cwd, 4);
    await until(() => children.filter(({ hasPrinted }) => hasPrinted(waiting)).length === 3);
    registry.release();
    await assertSameResults(cwd, await Promise.all(children.map(({ outcome }) => outcome)));
    for (const { digest, size } of layers) {
      const sent = registry.served.filter((each) => each.digest === digest);
      assert.deepEqual(
        sent.map((each) => each.sent),
        [size],
        digest,
      );
    }
    assert.deepEqual(await readdir(join(cwd, "cache/locks")), [], "all claims are removed");
  });

  it("continue the partial file of a process that is killed", async (t) => {
    const registry = await countingRegistry(t, content, root, { holdAt });
    const cwd = await temporaryDirectory();
    const first = startPull(t, registry, cwd);
    await until(() => sentOf(registry) === holdAt);
    const others = startAll(t, registry, cwd, 3);
    await until(() => others.every(({ hasPrinted }) => hasPrinted(waiting)));
    first.child.kill("SIGKILL");
    assert.equal((await first.outcome).status, null);
    registry.release();

    await assertSameResults(cwd, await Promise.all(others.map(({ outcome }) => outcome)));
    const requests = registry.served.filter(({ digest }) => digest === large.digest);
    assert.equal(requests.length, 2, "the first process's, and one other process's");
    assert.equal(requests[0]!.from, 0);
    assert.ok(requests[1]!.from > 0);
    assert.ok(requests[1]!.from <= requests[0]!.sent, "the written bytes were there");
    assert.equal(requests[1]!.from + requests[1]!.sent, large.size);
  });

  it("all succeed after wrong bytes that all of them have read", async (t) => {
    const registry = await countingRegistry(t, content, root, { holdAt, wrong: large.digest });
    const cwd = await temporaryDirectory();
    const first = startExtract(t, registry, cwd, 0);
    await until(() => sentOf(registry) === holdAt);
    const others = startAll(t, registry, cwd, 2);
    await until(() => others.every(({ hasPrinted }) => hasPrinted(waiting)));
    registry.release();
    const children = [first, ...others];
    await assertSameResults(cwd, await Promise.all(children.map(({ outcome }) => outcome)));
    const requests = registry.served.filter(({ digest }) => digest === large.digest);
    assert.equal(requests.filter(({ from, sent }) => from + sent === large.size).length, 2);
  });

  it("take over from a stopped process that gave no sign of life for a while", async (t) => {
    const registry = await countingRegistry(t, content, root, { holdAt });
    const cwd = await temporaryDirectory();
    const first = startPull(t, registry, cwd);
    await until(() => sentOf(registry) === holdAt);
    first.child.kill("SIGSTOP");
    const second = startPull(t, registry, cwd);
    const isLarge = ({ digest }: { digest: string }) => digest === large.digest;
    await until(() => registry.served.filter(isLarge).length === 2);
    registry.release();
    assert.equal((await second.outcome).status, 0);
    // It finds that others continued without it, and uses their file.
    first.child.kill("SIGCONT");
    const { status, stderr } = await first.outcome;
    assert.equal(status, 0, stderr);
    await assertLayersAreCached(cwd);
  });
});

/** Each process is process 1 of its own process-id namespace, as in a container. */
const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
const skip =
  spawnSync(container[0]!, [...container.slice(1), "true"]).status !== 0 && "namespaces need root";

describe("processes in containers that share a cache", { skip }, () => {
  it("fetch each layer once if all of them start at the same time", async (t) => {
    const registry = await countingRegistry(t, content, root, { holdAt });
    const cwd = await temporaryDirectory();
    const children = startAll(t, registry, cwd, 3, container);
    await until(() => children.filter(({ hasPrinted }) => hasPrinted(waiting)).length === 2);
    registry.release();
    await assertSameResults(cwd, await Promise.all(children.map(({ outcome }) => outcome)));
    const requests = registry.served.filter(({ digest }) => digest === large.digest);
    assert.deepEqual(
      requests.map(({ sent }) => sent),
      [large.size],
    );
  });

  it("continue the partial file of a process that is killed with its container", async (t) => {
    const registry = await countingRegistry(t, content, root, { holdAt });
    const cwd = await temporaryDirectory();
    const first = startPull(t, registry, cwd, container);
    await until(() => sentOf(registry) === holdAt);
    // The bytes have to be in the file before the process ends.
    await until(async () => (await partialSize(cwd)) > 0);
    first.child.kill("SIGKILL");
    await first.outcome;
    registry.release();
    const second = await startPull(t, registry, cwd, container).outcome;
    assert.equal(second.status, 0, second.stderr);
    await assertLayersAreCached(cwd);
    const [, rest] = registry.served.filter(({ digest }) => digest === large.digest);
    assert.ok(rest!.from > 0);
    assert.equal(rest!.from + rest!.sent, large.size);
  });
});

/** Starts several processes. Two of them extract the image, and the others only pull it. */
function startAll(
  t: TestContext,
  registry: CountingRegistry,
  cwd: string,
  count: number,
  prefix: readonly string[] = [],
) {
  return Array.from({ length: count }, (_, number) =>
    number < 2
      ? startExtract(t, registry, cwd, number + 1, prefix)
      : startPull(t, registry, cwd, prefix),
  );
}

function startExtract(
  t: TestContext,
  { host }: CountingRegistry,
  cwd: string,
  number: number,
  prefix: readonly string[] = [],
) {
  const words = ["extract", `${host}/os/image:v1`, "-o", `out-${number}`, "--platform=amd64"];
  return watch(
    t,
    startProgram([...words, "--cache-dir=cache", "--compression=lz4"], { cwd, prefix }),
  );
}

/** Starts test/sources/support/pull.ts. */
function startPull(
  t: TestContext,
  { host }: CountingRegistry,
  cwd: string,
  prefix: readonly string[] = [],
) {
  const script = join(import.meta.dirname, "../support/pull.js");
  const reference = `${host}/os/image:v1`;
  const [program = "", ...args] = [...prefix, process.execPath, script, reference, "cache"];
  const env = { PATH: process.env.PATH, HOME: cwd };
  return watch(t, spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] }));
}

function watch(t: TestContext, child: ReturnType<typeof startProgram>) {
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const outcome = outcomeOf(child);
  const hasPrinted = (words: RegExp) => words.test(stderr);
  return { child, outcome, hasPrinted };
}

function sentOf({ served }: CountingRegistry): number {
  return served.find(({ digest }) => digest === large.digest)?.sent ?? 0;
}

async function partialSize(cwd: string): Promise<number> {
  const path = join(cwd, "cache/blobs/sha256", `${large.digest.slice(7)}.partial`);
  return (await readFile(path).catch(() => "")).length;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

/** All of them succeeded, and those that extracted made the same bytes. */
async function assertSameResults(cwd: string, outcomes: readonly Outcome[]): Promise<void> {
  for (const { status, stderr } of outcomes) assert.equal(status, 0, stderr);
  const names = (await readdir(cwd)).filter((name) => name.startsWith("out-"));
  const sums = await Promise.all(
    names.map((name) => readFile(join(cwd, name, "SHA256SUMS"), "utf8")),
  );
  assert.ok(sums.length >= 2);
  for (const each of sums) assert.equal(each, sums[0]);
  await assertLayersAreCached(cwd);
}

async function assertLayersAreCached(cwd: string): Promise<void> {
  for (const { digest } of layers) {
    const cached = await readFile(join(cwd, "cache/blobs/sha256", digest.slice(7)));
    assert.ok(cached.equals(content.bytes({ digest })), digest);
  }
}
