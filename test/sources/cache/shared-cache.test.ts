import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { addImage, noise } from "../../extract/support/images.js";
import { type Outcome, outcomeOf, startProgram } from "../../extract/support/program.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";
import { type CountingRegistry, countingRegistry } from "../support/counting-registry.js";

const content = new ImageContent();
const root = addImage(content, [baseLayer, [noise("noise", 4_000_000)]]);
const layers: { digest: string; size: number }[] = content.json(root).layers;
const large = layers[1]!;
const slowly = { piece: 128 * 1024, pause: 100 };

describe("many processes with one cache", () => {
  it("fetch each layer once, all of them at the same time", async (t) => {
    const registry = await countingRegistry(t, content, root, slowly);
    const cwd = await temporaryDirectory();
    const children = [1, 2, 3, 4, 5, 6].map((number) => start(t, registry, cwd, number));
    await assertSameResults(cwd, await Promise.all(children.map(({ outcome }) => outcome)));
    for (const { digest, size } of layers) {
      const sent = registry.served.filter((each) => each.digest === digest);
      assert.deepEqual(
        sent.map((each) => each.sent),
        [size],
        digest,
      );
    }
    assert.deepEqual(await readdir(join(cwd, "cache/locks")), [], "nothing is left of the claims");
  });

  it("go on where one that fetches is killed, from what it left", async (t) => {
    // The others have to start before it is complete, on a machine that may be busy.
    const pace = { ...slowly, pause: 500 };
    const registry = await countingRegistry(t, content, root, pace);
    const cwd = await temporaryDirectory();
    const first = start(t, registry, cwd, 1);
    await until(() => sentOf(registry) > 1_000_000);
    const others = [2, 3, 4, 5, 6].map((number) => start(t, registry, cwd, number));
    await Promise.all(others.map(({ told }) => told(/Layers are being fetched already/)));
    first.child.kill("SIGKILL");
    assert.equal((await first.outcome).status, null);

    await assertSameResults(cwd, await Promise.all(others.map(({ outcome }) => outcome)));
    const requests = registry.served.filter(({ digest }) => digest === large.digest);
    assert.equal(requests.length, 2, "the first one's, and that of one other");
    assert.equal(requests[0]!.from, 0);
    assert.ok(requests[1]!.from > 0);
    assert.ok(requests[1]!.from <= requests[0]!.sent, "what had been written was there");
    assert.equal(requests[1]!.from + requests[1]!.sent, large.size);
  });

  it("all end well where wrong bytes came, which all of them have read by then", async (t) => {
    const pace = { ...slowly, pause: 300, wrong: large.digest };
    const registry = await countingRegistry(t, content, root, pace);
    const cwd = await temporaryDirectory();
    const first = start(t, registry, cwd, 1);
    await until(() => sentOf(registry) > 500_000);
    const others = [2, 3].map((number) => start(t, registry, cwd, number));
    const children = [first, ...others];
    await assertSameResults(cwd, await Promise.all(children.map(({ outcome }) => outcome)));
    const requests = registry.served.filter(({ digest }) => digest === large.digest);
    assert.ok(requests.length >= 2);
    assert.equal(requests.filter(({ from, sent }) => from + sent === large.size).length, 2);
  });

  it("take over from one that is stopped, when it gave no sign of life for a while", async (t) => {
    const registry = await countingRegistry(t, content, root, slowly);
    const cwd = await temporaryDirectory();
    const first = start(t, registry, cwd, 1);
    await until(() => sentOf(registry) > 500_000);
    first.child.kill("SIGSTOP");
    const second = start(t, registry, cwd, 2);
    assert.equal((await second.outcome).status, 0);
    // It finds that others went on without it, and takes what they have.
    first.child.kill("SIGCONT");
    await assertSameResults(cwd, [await first.outcome, await second.outcome], [1, 2]);
  });
});

/** Each is process 1 of a process-id namespace of its own, as in a container. */
const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
const skip =
  spawnSync(container[0]!, [...container.slice(1), "true"]).status !== 0 && "namespaces need root";

describe("processes in containers that share a cache", { skip }, () => {
  it("fetch each layer once, all of them at the same time", async (t) => {
    const registry = await countingRegistry(t, content, root, slowly);
    const cwd = await temporaryDirectory();
    const children = [1, 2, 3].map((number) => start(t, registry, cwd, number, container));
    await assertSameResults(cwd, await Promise.all(children.map(({ outcome }) => outcome)));
    const requests = registry.served.filter(({ digest }) => digest === large.digest);
    assert.deepEqual(
      requests.map(({ sent }) => sent),
      [large.size],
    );
  });

  it("go on where one that fetches is killed with its container", async (t) => {
    const registry = await countingRegistry(t, content, root, slowly);
    const cwd = await temporaryDirectory();
    const first = start(t, registry, cwd, 1, container);
    await until(() => sentOf(registry) > 1_000_000);
    first.child.kill("SIGKILL");
    await first.outcome;
    const second = start(t, registry, cwd, 2, container);
    await assertSameResults(cwd, [await second.outcome]);
    const [, rest] = registry.served.filter(({ digest }) => digest === large.digest);
    assert.ok(rest!.from > 0);
    assert.equal(rest!.from + rest!.sent, large.size);
  });
});

function start(
  t: TestContext,
  { host }: CountingRegistry,
  cwd: string,
  number: number,
  prefix: readonly string[] = [],
) {
  const words = ["extract", `${host}/os/image:v1`, "-o", `out-${number}`, "--platform=amd64"];
  const child = startProgram([...words, "--cache-dir=cache", "--compression=lz4"], { cwd, prefix });
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const outcome = outcomeOf(child);
  const told = (words: RegExp) => until(() => words.test(stderr));
  return { child, outcome, told };
}

function sentOf({ served }: CountingRegistry): number {
  return served.find(({ digest }) => digest === large.digest)?.sent ?? 0;
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    assert.ok(waited < 60_000, "it took too long");
    await delay(20);
  }
}

/** All ended well, with the same bytes. */
async function assertSameResults(
  cwd: string,
  outcomes: readonly Outcome[],
  numbers?: readonly number[],
): Promise<void> {
  for (const { status, stderr } of outcomes) assert.equal(status, 0, stderr);
  const names = numbers?.map((number) => `out-${number}`) ?? (await outputs(cwd));
  const sums = await Promise.all(
    names.map((name) => readFile(join(cwd, name, "SHA256SUMS"), "utf8")),
  );
  assert.ok(sums.length >= outcomes.length);
  for (const each of sums) assert.equal(each, sums[0]);
  for (const { digest } of layers) {
    const kept = await readFile(join(cwd, "cache/blobs/sha256", digest.slice(7)));
    assert.ok(kept.equals(content.bytes({ digest })), digest);
  }
}

async function outputs(cwd: string): Promise<string[]> {
  return (await readdir(cwd)).filter((name) => name.startsWith("out-"));
}
