import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type ExtractOptions, extract, extractMany } from "../../../src/extract/index.js";
import { verifyCache } from "../../../src/sources/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { assertRefusal } from "../../cli/support/refusal.js";
import { addImage, noise } from "../../extract/support/images.js";
import {
  copyOfProgram,
  demoImage,
  ordinaryUser,
  runProgram,
  succeed,
} from "../../extract/support/program.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { startRegistry } from "../../oci-client/support/docker-registry.js";
import { ImageContent, ociLayerType } from "../../oci-client/support/image-content.js";
import { type Interceptor, serve, serveImage } from "../../oci-client/support/local-server.js";
import { baseLayer } from "../../support/base-layer.js";

const content = new ImageContent();
const image = addImage(content, [baseLayer, [noise("noise", 300_000)]]);
const layers: { digest: string; size: number }[] = content.json(image).layers;
const large = layers[1]!;

/** A proxy before a registry that records requests. */
async function relayTo(
  t: TestContext,
  registry: string,
): Promise<{ host: string; paths: string[] }> {
  const paths: string[] = [];
  const { host } = await serve(t, async (request, response) => {
    paths.push(request.url!);
    const { status, headers, body } = await fetch(`http://${registry}${request.url}`, {
      headers: { accept: request.headers.accept ?? "*/*" },
    });
    const kept = [...headers].filter(([name]) => name.startsWith("content-"));
    response.writeHead(status, Object.fromEntries(kept));
    for await (const chunk of body ?? []) response.write(chunk);
    response.end();
  });
  return { host, paths };
}

describe("the cache", () => {
  it("fetches blobs that several images share once, with and without --no-cache", async (t) => {
    const registry = await startRegistry(t, await temporaryDirectory());
    for (const name of ["one", "two"]) {
      await succeed("skopeo", [
        ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
        ...[`${demoImage}:latest`, `docker://${registry}/os/${name}:v1`],
      ]);
    }
    for (const cache of [true, false]) {
      const { host, paths } = await relayTo(t, registry);
      const outcomes = await extractMany({
        images: [`${host}/os/one:v1`, `${host}/os/two:v1`],
        output: join(await temporaryDirectory(), "out"),
        platform: "amd64",
        cacheDirectory: await temporaryDirectory(),
        cache,
      });
      assert.ok(outcomes.every((outcome) => "result" in outcome));
      const blobs = paths.filter((path) => path.includes("/blobs/"));
      assert.equal(blobs.length, 4, "three layers and a configuration");
    }
  });

  it("makes a second pull from docker-registry fetch no blob", async (t) => {
    const registry = await startRegistry(t, await temporaryDirectory());
    await succeed("skopeo", [
      ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
      ...[`${demoImage}:latest`, `docker://${registry}/os/image:v1`],
    ]);
    const { host, paths } = await relayTo(t, registry);
    const cacheDirectory = await temporaryDirectory();
    const blobs = () => paths.filter((path) => path.includes("/blobs/")).length;

    await run(`${host}/os/image:v1`, { cacheDirectory });
    assert.equal(blobs(), 4, "three layers and a configuration");
    paths.length = 0;
    await run(`${host}/os/image:v1`, { cacheDirectory });
    assert.equal(blobs(), 0);
    assert.ok(paths.length >= 1, "the tag was asked for");
  });

  it("provides an image by digest while the registry is unreachable", async (t) => {
    const sha512 = createHash("sha512").update(content.bytes(image)).digest("hex");
    content.blobs.set(`sha512:${sha512}`, content.bytes(image));
    const { host, cut } = await registryWithCut(t);
    const cacheDirectory = await temporaryDirectory();
    const digests = [image.digest, `sha512:${sha512}`];
    const runAll = () =>
      Promise.all(digests.map((it) => run(`${host}/os/image:v1@${it}`, { cacheDirectory })));
    const first = await runAll();
    cut();
    for (const [index, { description }] of (await runAll()).entries()) {
      assert.deepEqual(description.files, first[index]!.description.files);
    }
    await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory }), {
      code: "REGISTRY_UNREACHABLE",
    });
  });

  it("has the layout of an OCI layout's blobs", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await run(`${host}/os/image:v1@${image.digest}`, { cacheDirectory });
    const blobs = join(cacheDirectory, "blobs/sha256");
    const names = await readdir(blobs);
    const { config } = content.json(image);
    const expected = [image, config, ...layers].map(({ digest }) => digest.slice(7));
    assert.deepEqual(names.sort(), expected.sort());
    const sums = names.map((name) => `${name}  ${name}\n`).join("");
    await writeFile(join(blobs, "SUMS"), sums);
    await succeed("sha256sum", ["-c", "--strict", "--quiet", "SUMS"], blobs);
  });

  it("is neither used nor created with --no-cache", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cwd = await temporaryDirectory();
    const words = ["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64", "--no-cache"];
    const { status } = await runProgram(words, { cwd });
    assert.equal(status, 0);
    assert.deepEqual(await readdir(cwd), ["out"]);
    assert.equal((await readdir(join(cwd, "out"))).length, 7);
  });

  it("is in XDG_CACHE_HOME, or else in ~/.cache", async (t) => {
    const { host } = await serveImage(t, content, image);
    const words = ["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64"];
    for (const [env, place] of [
      [{}, ".cache/kairos-netboot"],
      [{ XDG_CACHE_HOME: "" }, ".cache/kairos-netboot"],
      [{ XDG_CACHE_HOME: "relative" }, ".cache/kairos-netboot"],
      [{ XDG_CACHE_HOME: await temporaryDirectory() }, undefined],
    ] as const) {
      const cwd = await temporaryDirectory();
      assert.equal((await runProgram(words, { cwd, env })).status, 0);
      const xdg = "XDG_CACHE_HOME" in env ? env.XDG_CACHE_HOME : "";
      const cache = place === undefined ? join(xdg, "kairos-netboot") : join(cwd, place);
      assert.ok((await readdir(join(cache, "blobs/sha256"))).length >= 3);
    }
  });

  it("is in the home directory of the user database if HOME is empty", async () => {
    const cwd = await temporaryDirectory();
    const { stdout } = await runProgram(["cache", "ls"], { cwd, env: { HOME: "" } });
    assert.match(stdout, new RegExp(`in ${join(userInfo().homedir, ".cache/kairos-netboot")}\n$`));
  });

  it("and a home directory are not needed by a user without an entry in the user database", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cwd = await temporaryDirectory();
    // It may read the program, wherever that is.
    const caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
    const user = ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups", ...caps];
    const run = (...words: string[]) =>
      runProgram(words, { cwd, prefix: ["env", "-u", "HOME", ...user] });
    const words = [`${host}/os/image:v1`, "--platform=amd64", "--no-cache"];
    const { status, stderr } = await run("inspect", ...words);
    assert.equal(status, 0, stderr);
    const { stdout } = await run("cache", "ls");
    assert.equal(stdout, "Nothing is kept in /.cache/kairos-netboot\n");
  });

  it("is repaired by a run that finds a damaged blob, and the run succeeds", async (t) => {
    const { host, requests } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await run(`${host}/os/image:v1`, { cacheDirectory });
    const path = join(cacheDirectory, "blobs/sha256", large.digest.slice(7));
    const bytes = await readFile(path);
    for (const damage of [(all: Buffer) => all.fill(0), (all: Buffer) => all.fill(1, 500, 600)]) {
      const damaged = Buffer.from(bytes);
      damage(damaged);
      await writeFile(path, damaged);
      await run(`${host}/os/image:v1`, { cacheDirectory });
      assert.deepEqual(await readFile(path), bytes);
    }
    assert.equal(countOf(requests, large.digest), 3);
  });

  it("is repaired by a run that finds a damaged manifest, and the run succeeds", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    const reference = `${host}/os/image@${image.digest}`;
    await run(reference, { cacheDirectory });
    const path = join(cacheDirectory, "blobs/sha256", image.digest.slice(7));
    await writeFile(path, "{}");
    await run(reference, { cacheDirectory });
    assert.deepEqual(await readFile(path), content.bytes(image));
  });

  it("can be used by several concurrent runs", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    const runs = [1, 2, 3].map(() => run(`${host}/os/image:v1`, { cacheDirectory }));
    const results = await Promise.all(runs);
    for (const { description } of results) assert.deepEqual(description, results[0]!.description);
    assert.deepEqual(
      (await readdir(join(cacheDirectory, "blobs/sha256"))).filter((name) => name.includes(".")),
      [],
    );
  });

  it("fails with a hint at --cache-dir and --no-cache if it is not writable", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cwd = await temporaryDirectory();
    await chown(cwd, 65534, 65534);
    const cache = await temporaryDirectory();
    await mkdir(join(cache, "theirs"));
    await chmod(cache, 0o755);
    const words = ["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64"];
    const program = await copyOfProgram();
    const outcome = await runProgram([...words, "--cache-dir", join(cache, "theirs")], {
      ...{ cwd, program },
      prefix: ordinaryUser,
    });
    const [message, hint] = [/cache directory .*theirs/, /--cache-dir.*--no-cache/];
    assertRefusal(outcome, { status: 1, message, hint });
    assert.deepEqual(await readdir(cwd), []);
    assert.deepEqual(await readdir(join(cache, "theirs")), []);
  });

  it("fetches blobs again that only another user may read", async (t) => {
    const { host, requests } = await serveImage(t, content, image);
    const cwd = await temporaryDirectory();
    const words = ["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64", "--force"];
    const run = { cwd, program: await copyOfProgram(), prefix: ordinaryUser };
    await chown(cwd, 65534, 65534);
    assert.equal((await runProgram(words, run)).status, 0);
    const path = join(cwd, ".cache/kairos-netboot/blobs/sha256", large.digest.slice(7));
    await chown(path, 0, 0);
    await chmod(path, 0o600);
    const { status, stderr } = await runProgram(words, run);
    assert.equal(status, 0, stderr);
    assert.equal(countOf(requests, large.digest), 2);
    assert.equal((await stat(path)).uid, 65534);
  });

  it("fails with the same error if no directory can be created", async (t) => {
    const { host } = await serveImage(t, content, image);
    await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory: "/proc/foo/cache" }), {
      code: "CACHE_NOT_WRITABLE",
    });
  });

  it("is verified although another process removes blobs meanwhile", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await run(`${host}/os/image:v1`, { cacheDirectory });
    const blobs = join(cacheDirectory, "blobs/sha256");
    const { signal } = new AbortController();
    const seen: string[] = [];
    const result = await verifyCache(cacheDirectory, {
      signal,
      onVerified: ({ path, digest }) => {
        seen.push(digest);
        for (const name of readdirSync(blobs)) {
          if (!path.endsWith(name)) rmSync(join(blobs, name));
        }
      },
    });
    assert.equal(seen.length, 1);
    assert.deepEqual(result, { intact: 1, removed: [], inUse: [] });
  });
});

describe("a download", () => {
  const half = Math.floor(large.size / 2);

  it("that broke off is continued by the next run", async (t) => {
    const ranges: (string | undefined)[] = [];
    let isBroken = true;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      ranges.push(request.headers.range);
      return isBroken ? breakOff(response) : sendRange(request, response);
    });
    const cacheDirectory = await temporaryDirectory();
    await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory }), isUnreachable);
    assert.equal(ranges[0], undefined);
    [isBroken, ranges.length] = [false, 0];
    await run(`${host}/os/image:v1`, { cacheDirectory });
    assert.deepEqual(ranges, [`bytes=${half}-`]);
    const names = await readdir(join(cacheDirectory, "blobs/sha256"));
    assert.deepEqual(
      names.filter((name) => name.includes(".")),
      [],
      "no partial file is left",
    );
  });

  it("that broke off starts again if the registry does not support ranges", async (t) => {
    let isBroken = true;
    const { host } = await serveImage(t, content, image, (request, response) =>
      request.url!.endsWith(large.digest) && isBroken ? breakOff(response) : false,
    );
    const cacheDirectory = await temporaryDirectory();
    await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory }), isUnreachable);
    isBroken = false;
    await run(`${host}/os/image:v1`, { cacheDirectory });
    const path = join(cacheDirectory, "blobs/sha256", large.digest.slice(7));
    assert.deepEqual(await readFile(path), content.bytes(large));
  });

  it("that was killed after its last byte is not repeated", async (t) => {
    const { host, requests } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await leavePartials(cacheDirectory, { ".partial": content.bytes(large) });
    await run(`${host}/os/image:v1`, { cacheDirectory });
    assert.equal(countOf(requests, large.digest), 0);
  });

  it("continues the partial file of a killed run, however old it is", async (t) => {
    const { host, ranges } = await registryWithRanges(t);
    const cacheDirectory = await temporaryDirectory();
    const left = content.bytes(large).subarray(0, 200_000);
    await leavePartials(cacheDirectory, { ".partial": left });
    await run(`${host}/os/image:v1`, { cacheDirectory });
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
    await run(`${host}/os/image:v1`, { cacheDirectory });
    assert.deepEqual(ranges, [undefined]);
  });

  /** A registry that continues the large layer, and the ranges it was asked for. */
  async function registryWithRanges(t: TestContext) {
    const ranges: (string | undefined)[] = [];
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      ranges.push(request.headers.range);
      return sendRange(request, response);
    });
    return { host, ranges };
  }

  /** As runs that were killed long ago leave them, by what follows the digest in their names. */
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
    let isBroken = true;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      return isBroken ? breakOff(response) : sendRange(request, response);
    });
    const cacheDirectory = await temporaryDirectory();
    await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory }), isUnreachable);
    const blobs = join(cacheDirectory, "blobs/sha256");
    const [partial] = (await readdir(blobs)).filter((name) =>
      name.startsWith(large.digest.slice(7)),
    );
    assert.equal((await stat(join(blobs, partial!))).size, half);
    await writeFile(join(blobs, partial!), Buffer.alloc(half));
    isBroken = false;
    await run(`${host}/os/image:v1`, { cacheDirectory });
    assert.deepEqual(await readFile(join(blobs, large.digest.slice(7))), content.bytes(large));
  });

  it("is repeated once if wrong bytes were read before their digest was known", async (t) => {
    let times = 0;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      times += 1;
      if (times > 1) return false;
      // The reader has the right first half before the wrong second one comes.
      const bytes = Buffer.from(content.bytes(large)).fill(0, half);
      response.writeHead(200, { "content-length": large.size });
      response.write(bytes.subarray(0, half), () => {
        setTimeout(() => response.end(bytes.subarray(half)), 500);
      });
      return true;
    });
    const cacheDirectory = await temporaryDirectory();
    const warnings: string[] = [];
    await run(`${host}/os/image:v1`, {
      cacheDirectory,
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
    let times = 0;
    const { host } = await serveImage(t, content, image, (request, response) => {
      if (!request.url!.endsWith(large.digest)) return false;
      times += 1;
      // No ranges: it begins with the first byte each time.
      return times === 1 ? breakOff(response) : response.end(content.bytes(large)).writableEnded;
    });
    const presents: number[] = [];
    const onEvent: ExtractOptions["onEvent"] = (event) => {
      if (event.type === "layer" && event.digest === large.digest) presents.push(event.present);
    };
    const cacheDirectory = await temporaryDirectory();
    await run(`${host}/os/image:v1`, { cacheDirectory, onEvent, retryTimeout: "1m" });
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
        await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory }), isError(code));
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
      run(`${host}/os/image:v1`, { cacheDirectory, onEvent }),
      isError("BLOB_MISMATCH"),
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
    await assert.rejects(run(`${host}/os/image:v1`, { cacheDirectory }), (error) => {
      assert.ok(error instanceof NetbootError);
      assert.match(error.message, /9\.0 PB/);
      assert.equal(error.code, "DISK_FULL");
      return true;
    });
    assert.equal(countOf(requests, layer.digest), 0);
  });

  it("happens once for a layer that an image contains twice", async (t) => {
    const own = new ImageContent();
    const root = addImage(own, [baseLayer, [{ name: "a" }], [{ name: "b" }], [{ name: "a" }]]);
    const { host, requests } = await serveImage(t, own, root);
    await run(`${host}/os/image:v1`, { cacheDirectory: await temporaryDirectory() });
    assert.equal(countOf(requests, own.json(root).layers[1].digest), 1);
  });

  function breakOff(response: Parameters<Interceptor>[1]): boolean {
    response.writeHead(200, { "content-length": large.size });
    response.write(content.bytes(large).subarray(0, half), () => {
      setTimeout(() => response.destroy(), 200);
    });
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

async function run(reference: string, options: Partial<ExtractOptions>) {
  const output = join(await temporaryDirectory(), "out");
  return extract({ image: reference, output, platform: "amd64", retryTimeout: "0", ...options });
}

function countOf(requests: readonly IncomingMessage[], digest: string): number {
  return requests.filter(({ url }) => url!.endsWith(digest)).length;
}

/** A registry that closes all connections after `cut`. */
async function registryWithCut(t: TestContext) {
  let isCut = false;
  const { host } = await serveImage(t, content, image, (request) => {
    if (isCut) request.socket.destroy();
    return isCut;
  });
  return {
    host,
    cut: () => {
      isCut = true;
    },
  };
}

const isUnreachable = isError("REGISTRY_UNREACHABLE");

function isError(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.exitStatus, 3);
    return true;
  };
}
