import assert from "node:assert/strict";
import { mkdir, readdir, readFile, readlink, stat, utimes, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ExtractOptions } from "../../../src/extract/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { addImage } from "../../extract/support/images.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent, ociLayerType } from "../../oci-client/support/image-content.js";
import { type Interceptor, serveImage } from "../../oci-client/support/local-server.js";
import { baseLayer } from "../../support/base-layer.js";
import {
  content,
  countOf,
  extractImage,
  image,
  isUnavailable,
  large,
} from "../support/two-layers.js";

describe("a download", () => {
  const half = Math.floor(large.size / 2);

  it("that broke off is continued by the next run", async (t) => {
    const cacheDirectory = await temporaryDirectory();
    const ranges: (string | undefined)[] = [];
    let isBroken = true;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      ranges.push(request.headers.range);
      return isBroken ? breakOff(response, cacheDirectory) : sendRange(request, response);
    });
    await assert.rejects(
      extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }),
      isUnavailable("REGISTRY_UNREACHABLE"),
    );
    assert.equal(ranges[0], undefined);
    [isBroken, ranges.length] = [false, 0];
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    assert.deepEqual(ranges, [`bytes=${half}-`]);
    const names = await readdir(join(cacheDirectory, "blobs/sha256"));
    assert.deepEqual(
      names.filter((name) => name.includes(".")),
      [],
      "no partial file is left",
    );
  });

  it("that broke off starts again if the registry does not support ranges", async (t) => {
    const cacheDirectory = await temporaryDirectory();
    let isBroken = true;
    const { host } = await serveImage(t, content, image, (request, response) =>
      request.url!.endsWith(large.digest) && isBroken ? breakOff(response, cacheDirectory) : false,
    );
    await assert.rejects(
      extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }),
      isUnavailable("REGISTRY_UNREACHABLE"),
    );
    isBroken = false;
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    const path = join(cacheDirectory, "blobs/sha256", large.digest.slice(7));
    assert.deepEqual(await readFile(path), content.bytes(large));
  });

  it("that was killed after its last byte is not repeated", async (t) => {
    const { host, requests } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await leavePartials(cacheDirectory, { ".partial": content.bytes(large) });
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    assert.equal(countOf(requests, large.digest), 0);
  });

  it("continues the partial file of a killed run, however old it is", async (t) => {
    const { host, ranges } = await registryWithRanges(t);
    const cacheDirectory = await temporaryDirectory();
    const left = content.bytes(large).subarray(0, 200_000);
    await leavePartials(cacheDirectory, { ".partial": left });
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    assert.deepEqual(ranges, ["bytes=200000-"]);
    const names = await readdir(join(cacheDirectory, "blobs/sha256"));
    assert.deepEqual(
      names.filter((name) => name.includes("partial")),
      [],
    );
  });

  it("starts again if the partial file is larger than the blob", async (t) => {
    const { host, ranges } = await registryWithRanges(t);
    const cacheDirectory = await temporaryDirectory();
    await leavePartials(cacheDirectory, { ".partial": Buffer.alloc(large.size + 1) });
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    assert.deepEqual(ranges, [undefined]);
  });

  /** A registry that supports ranges of the large layer, and the ranges that were requested. */
  async function registryWithRanges(t: TestContext) {
    const ranges: (string | undefined)[] = [];
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      ranges.push(request.headers.range);
      return sendRange(request, response);
    });
    return { host, ranges };
  }

  /** Writes old partial files. The keys are what follows the digest in their names. */
  async function leavePartials(
    cacheDirectory: string,
    partials: Readonly<Record<string, Buffer>>,
  ): Promise<void> {
    const blobs = join(cacheDirectory, "blobs/sha256");
    await mkdir(blobs, { recursive: true });
    for (const [suffix, bytes] of Object.entries(partials)) {
      const path = join(blobs, `${large.digest.slice(7)}${suffix}`);
      await writeFile(path, bytes);
      await utimes(path, 0, 0);
    }
  }

  it("starts again once, in the same run, if the partial file has wrong bytes", async (t) => {
    const cacheDirectory = await temporaryDirectory();
    let isBroken = true;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      return isBroken ? breakOff(response, cacheDirectory) : sendRange(request, response);
    });
    await assert.rejects(
      extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }),
      isUnavailable("REGISTRY_UNREACHABLE"),
    );
    const blobs = join(cacheDirectory, "blobs/sha256");
    const [partial] = (await readdir(blobs)).filter((name) =>
      name.startsWith(large.digest.slice(7)),
    );
    assert.equal((await stat(join(blobs, partial!))).size, half);
    await writeFile(join(blobs, partial!), Buffer.alloc(half));
    isBroken = false;
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    assert.deepEqual(await readFile(join(blobs, large.digest.slice(7))), content.bytes(large));
  });

  it("is repeated once if wrong bytes were read before their digest was known", async (t) => {
    const cacheDirectory = await temporaryDirectory();
    let times = 0;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      times += 1;
      if (times > 1) return false;
      const bytes = Buffer.from(content.bytes(large)).fill(0, half);
      response.writeHead(200, { "content-length": large.size });
      response.write(bytes.subarray(0, half));
      isBeingRead(partialIn(cacheDirectory)).then(() => response.end(bytes.subarray(half)));
      return true;
    });
    const warnings: string[] = [];
    await extractImage(`${host}/os/image:v1`, {
      cacheDir: cacheDirectory,
      onEvent: (event) => {
        if (event.type === "message" && event.level === "warning") warnings.push(event.text);
      },
    });
    assert.equal(times, 2);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /^The bytes received for sha256:.* discarded\. Fetching it again\.$/,
    );
    const path = join(cacheDirectory, "blobs/sha256", large.digest.slice(7));
    assert.deepEqual(await readFile(path), content.bytes(large));
  });

  it("that breaks off is continued by the same run, and its progress never decreases", async (t) => {
    const cacheDirectory = await temporaryDirectory();
    let times = 0;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      times += 1;
      // Without ranges, every answer starts with the first byte.
      return times === 1
        ? breakOff(response, cacheDirectory)
        : response.end(content.bytes(large)).writableEnded;
    });
    const presents: number[] = [];
    const onEvent: ExtractOptions["onEvent"] = (event) => {
      if (event.type === "layer" && event.digest === large.digest) presents.push(event.present);
    };
    await extractImage(`${host}/os/image:v1`, {
      cacheDir: cacheDirectory,
      onEvent,
      retryTimeout: "1m",
    });
    assert.equal(times, 2);
    assert.deepEqual(
      presents,
      presents.toSorted((one, other) => one - other),
    );
    assert.equal(presents.at(-1), large.size);
  });

  const wrong: [name: string, code: string, answer: Interceptor][] = [
    [
      "of wrong bytes",
      "BLOB_MISMATCH",
      (_, response) => {
        response.end(Buffer.alloc(large.size));
        return true;
      },
    ],
    [
      "of too few bytes",
      "BLOB_MISMATCH",
      (_, response) => {
        response.end(content.bytes(large).subarray(0, half));
        return true;
      },
    ],
    [
      "of too many bytes",
      "BLOB_MISMATCH",
      (_, response) => {
        response.end(Buffer.concat([content.bytes(large), Buffer.alloc(10)]));
        return true;
      },
    ],
    [
      "of an error page",
      "BLOB_NOT_FOUND",
      (_, response) => {
        response.writeHead(404).end("no");
        return true;
      },
    ],
  ];
  for (const [name, code, answer] of wrong) {
    it(`${name} fails with status 3, each time, without output`, async (t) => {
      const { host } = await serveImage(t, content, image, (request, response) =>
        request.url!.endsWith(large.digest) ? answer(request, response) : false,
      );
      const cacheDirectory = await temporaryDirectory();
      for (let attempt = 0; attempt < 5; attempt += 1) {
        await assert.rejects(
          extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }),
          isUnavailable(code),
        );
      }
    });
  }

  it("of wrong bytes is never reported as complete", async (t) => {
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      return response.end(Buffer.alloc(large.size)).writableEnded;
    });
    const presents: number[] = [];
    const onEvent: ExtractOptions["onEvent"] = (event) => {
      if (event.type === "layer" && event.digest === large.digest) presents.push(event.present);
    };
    const cacheDirectory = await temporaryDirectory();
    await assert.rejects(
      extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory, onEvent }),
      isUnavailable("BLOB_MISMATCH"),
    );
    assert.equal(presents.includes(large.size), false);
  });

  it("of a layer that claims petabytes does not start, because the disk is too small", async (t) => {
    const own = new ImageContent();
    const layer = { ...own.add(Buffer.from("x"), ociLayerType), size: 9 * 10 ** 15 };
    const rootfs = { type: "layers", diff_ids: [layer.digest] };
    const root = addImage(own, [], { config: { rootfs }, manifest: { layers: [layer] } });
    const { host, requests } = await serveImage(t, own, root);
    const cacheDirectory = await temporaryDirectory();
    await assert.rejects(
      extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }),
      (error) => {
        assert.ok(error instanceof NetbootError);
        assert.match(error.message, /9\.0 PB/);
        assert.equal(error.code, "DISK_FULL");
        return true;
      },
    );
    assert.equal(countOf(requests, layer.digest), 0);
  });

  it("happens once for a layer that an image contains twice", async (t) => {
    const own = new ImageContent();
    const root = addImage(own, [baseLayer, [{ name: "a" }], [{ name: "b" }], [{ name: "a" }]]);
    const { host, requests } = await serveImage(t, own, root);
    await extractImage(`${host}/os/image:v1`, { cacheDir: await temporaryDirectory() });
    assert.equal(countOf(requests, own.json(root).layers[1].digest), 1);
  });

  /** Sends the first half, and closes the connection when that is in the cache. */
  function breakOff(response: Parameters<Interceptor>[1], cacheDirectory: string): boolean {
    response.writeHead(200, { "content-length": large.size });
    response.write(content.bytes(large).subarray(0, half));
    // The client discards bytes that it has not read when the connection breaks.
    hasSize(partialIn(cacheDirectory), half).then(() => response.destroy());
    return true;
  }

  function sendRange(request: IncomingMessage, response: Parameters<Interceptor>[1]): boolean {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from === 0) return response.end(content.bytes(large)).writableEnded;
    const bytes = content.bytes(large).subarray(from);
    response.writeHead(206, {
      "content-length": bytes.length,
      "content-range": `bytes ${from}-${large.size - 1}/${large.size}`,
    });
    return response.end(bytes).writableEnded;
  }
});

function partialIn(cacheDirectory: string): string {
  return join(cacheDirectory, "blobs/sha256", `${large.digest.slice(7)}.partial`);
}

/** Waits until a file has this many bytes. */
async function hasSize(path: string, bytes: number): Promise<void> {
  const size = () =>
    stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
  while ((await size()) < bytes) await delay(10);
}

/** Waits until this process reads a partial file, which it also has open for writing and for `stat`. */
async function isBeingRead(path: string): Promise<void> {
  const handles = async () => {
    const names = await readdir("/proc/self/fd");
    const links = names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ""));
    return (await Promise.all(links)).filter((link) => link === path).length;
  };
  while ((await handles()) < 3) await delay(10);
}
