import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { addImage, noise } from "../extract/support/images.js";
import { outcomeOf, runProgram, startProgram } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent, type Pointer } from "../oci-client/support/image-content.js";
import { type Interceptor, serveImage } from "../oci-client/support/local-server.js";
import { baseLayer } from "../support/base-layer.js";
import { isRunning, startOf } from "./support/processes.js";

describe("interrupting extract", () => {
  const content = new ImageContent();
  let root: Pointer;
  let largest: Pointer;

  before(() => {
    // xz on one processor takes long for bytes that cannot be compressed.
    root = addImage(content, [baseLayer, [noise("noise", 4_000_000)]]);
    largest = content.json(root).layers[1];
  });

  const cases = [
    { name: "SIGINT", signal: "SIGINT", group: false, isStopped: false },
    { name: "SIGTERM", signal: "SIGTERM", group: false, isStopped: true },
    { name: "SIGHUP", signal: "SIGHUP", group: false, isStopped: false },
    { name: "Ctrl-C for the whole process group", signal: "SIGINT", group: true, isStopped: false },
  ] as const;
  for (const { name, signal, group, isStopped } of cases) {
    it(`with ${name} while mksquashfs runs ends all processes, keeps downloads, and makes nothing`, async (t) => {
      const { host } = await serveImage(t, content, root);
      const cwd = await temporaryDirectory();
      const child = startProgram(wordsFor(host), { cwd, detached: group });
      const outcome = outcomeOf(child);
      const blobs = join(cwd, ".cache/kairos-netboot/blobs/sha256");
      await fileReaches(join(blobs, largest.digest.slice(7)), largest.size, t);
      // The program starts mksquashfs before, to get its version; only the real run has this argument.
      const others = await startOf("-tar", child.pid!);

      // A stopped mksquashfs never ends on its own: the program has to kill it.
      if (isStopped) for (const { pid } of others) process.kill(pid, "SIGSTOP");
      process.kill(group ? -child.pid! : child.pid!, signal);
      const { status, stdout, stderr } = await outcome;

      assert.equal(status, 130, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, /^kairos-netboot: Interrupted\.\n {2}.*from what was downloaded\.\n$/m);
      assert.deepEqual(others.filter(isRunning), []);
      assert.deepEqual(await readdir(cwd), [".cache"]);
      for (const { digest, size } of content.json(root).layers) {
        assert.equal((await stat(join(blobs, digest.slice(7)))).size, size);
      }
    });
  }

  it("during a download keeps the received part, and the next run fetches the rest", async (t) => {
    const half = Math.floor(largest.size / 2);
    let ranges: (string | undefined)[] = [];
    let isStuck = true;
    const { host } = await serveImage(t, content, root, (request, response) => {
      if (!request.url!.endsWith(largest.digest)) return false;
      ranges.push(request.headers.range);
      return isStuck ? sendHalf(response, half) : sendRange(request, response);
    });
    const cwd = await temporaryDirectory();
    const child = startProgram([...wordsFor(host), "--verbose"], { cwd });
    const outcome = outcomeOf(child);
    const blobs = join(cwd, ".cache/kairos-netboot/blobs/sha256");
    await fileReaches(join(blobs, largest.digest.slice(7)), half, t);
    child.kill("SIGINT");
    const { status, stderr } = await outcome;
    assert.equal(status, 130, stderr);
    assert.deepEqual(await readdir(cwd), [".cache"]);

    [isStuck, ranges] = [false, []];
    const second = await runProgram([...wordsFor(host), "--compression=lz4"], { cwd });
    assert.equal(second.status, 0, second.stderr);
    assert.deepEqual(ranges, [`bytes=${half}-`]);
  });

  function wordsFor(host: string): string[] {
    const image = `${host}/os/image:v1`;
    return ["extract", image, "-o", "new/out", "--platform=amd64", "--compression=xz", "--jobs=1"];
  }

  function sendHalf(response: Parameters<Interceptor>[1], half: number): boolean {
    response.writeHead(200, { "content-length": largest.size });
    response.write(content.bytes(largest).subarray(0, half));
    return true;
  }

  function sendRange(
    request: Parameters<Interceptor>[0],
    response: Parameters<Interceptor>[1],
  ): boolean {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "bytes=0-")?.[1]);
    const bytes = content.bytes(largest).subarray(from);
    response.writeHead(206, {
      "content-length": bytes.length,
      "content-range": `bytes ${from}-${largest.size - 1}/${largest.size}`,
    });
    response.end(bytes);
    return true;
  }
});

/** Waits until a file, or one whose name begins so, has at least this size. */
async function fileReaches(path: string, size: number, t: TestContext): Promise<void> {
  for (;;) {
    for (const name of await readdir(dirname(path)).catch(() => [])) {
      if (!name.startsWith(basename(path))) continue;
      const present = await stat(join(dirname(path), name)).catch(() => undefined);
      if (present !== undefined && present.size >= size) return;
    }
    await delay(20, undefined, { signal: t.signal });
  }
}
