import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { extractMany } from "../../../src/extract/index.js";
import { verifyCache } from "../../../src/sources/index.js";
import { assertRefusal } from "../../cli/support/refusal.js";
import { runCommand } from "../../extract/support/run-command.js";
import {
  copyOfProgram,
  demoImage,
  ordinaryUser,
  runProgram,
  succeed,
} from "../../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { startRegistry } from "../../oci-client/support/docker-registry.js";
import { serve, serveImage } from "../../oci-client/support/local-server.js";
import { suiteScope } from "../../support/suite-scope.js";
import { content, countOf, extractImage, image, large, layers } from "../support/two-layers.js";

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
  /** Debian's docker-registry with the demo image in os/one and os/two. */
  let registry: string;
  const suite = suiteScope();
  before(async () => {
    registry = await startRegistry(suite, await sharedDirectory());
    for (const name of ["one", "two"]) {
      await succeed("skopeo", [
        ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
        ...[`${demoImage}:latest`, `docker://${registry}/os/${name}:v1`],
      ]);
    }
  });

  it("fetches blobs that several images share once, with and without --no-cache", async (t) => {
    for (const cache of [true, false]) {
      const { host, paths } = await relayTo(t, registry);
      const outcomes = await extractMany({
        images: [`${host}/os/one:v1`, `${host}/os/two:v1`],
        output: join(await temporaryDirectory(), "out"),
        platform: "amd64",
        cacheDir: await temporaryDirectory(),
        cache,
      });
      assert.ok(outcomes.every((outcome) => "result" in outcome));
      const blobs = paths.filter((path) => path.includes("/blobs/"));
      assert.equal(blobs.length, 4, "three layers and a configuration");
    }
  });

  it("makes a second pull from docker-registry fetch no blob", async (t) => {
    const { host, paths } = await relayTo(t, registry);
    const cacheDirectory = await temporaryDirectory();
    const blobs = () => paths.filter((path) => path.includes("/blobs/")).length;

    await extractImage(`${host}/os/one:v1`, { cacheDir: cacheDirectory });
    assert.equal(blobs(), 4, "three layers and a configuration");
    paths.length = 0;
    await extractImage(`${host}/os/one:v1`, { cacheDir: cacheDirectory });
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
      Promise.all(
        digests.map((it) =>
          extractImage(`${host}/os/image:v1@${it}`, { cacheDir: cacheDirectory }),
        ),
      );
    const first = await runAll();
    cut();
    for (const [index, { description }] of (await runAll()).entries()) {
      assert.deepEqual(description.files, first[index]!.description.files);
    }
    await assert.rejects(extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }), {
      code: "REGISTRY_UNREACHABLE",
    });
  });

  it("has the layout of an OCI layout's blobs", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await extractImage(`${host}/os/image:v1@${image.digest}`, { cacheDir: cacheDirectory });
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
    const { status } = await runCommand(words, { cwd });
    assert.equal(status, 0);
    assert.deepEqual(await readdir(cwd), ["out"]);
    assert.equal((await readdir(join(cwd, "out"))).length, 7);
  });

  it("is in XDG_CACHE_HOME", async (t) => {
    const { host } = await serveImage(t, content, image);
    const words = ["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64"];
    const home = await temporaryDirectory();
    const env = { XDG_CACHE_HOME: home };
    const outcome = await runCommand(words, { cwd: await temporaryDirectory(), env });
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.ok((await readdir(join(home, "kairos-netboot/blobs/sha256"))).length >= 3);
  });

  for (const [name, env] of [
    ["not set", {}],
    ["empty", { XDG_CACHE_HOME: "" }],
    ["relative", { XDG_CACHE_HOME: "relative" }],
  ] as const) {
    it(`is in ~/.cache if XDG_CACHE_HOME is ${name}`, async () => {
      const cwd = await temporaryDirectory();
      const { stdout } = await runCommand(["cache", "ls"], { cwd, env });
      assert.equal(stdout, `The cache in ${join(cwd, ".cache/kairos-netboot")} is empty\n`);
    });
  }

  it("is in the home directory of the user database if HOME is empty", async () => {
    const cwd = await temporaryDirectory();
    const { stdout } = await runCommand(["cache", "ls"], { cwd, env: { HOME: "" } });
    const directory = join(userInfo().homedir, ".cache/kairos-netboot");
    // The user who runs the tests may have one.
    assert.ok(new RegExp(` in ${directory}( is empty)?\n$`).test(stdout), stdout);
  });

  it("and a home directory are not needed by a user without an entry in the user database", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cwd = await temporaryDirectory();
    // It may read the program, wherever that is.
    const caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
    const user = ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups", ...caps];
    const runAs = (...words: string[]) =>
      runProgram(words, { cwd, prefix: ["env", "-u", "HOME", ...user] });
    const words = [`${host}/os/image:v1`, "--platform=amd64", "--no-cache"];
    const { status, stderr } = await runAs("inspect", ...words);
    assert.equal(status, 0, stderr);
    const { stdout } = await runAs("cache", "ls");
    assert.equal(stdout, "The cache in /.cache/kairos-netboot is empty\n");
  });

  it("is repaired by a run that finds a damaged blob, and the run succeeds", async (t) => {
    const { host, requests } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
    const path = join(cacheDirectory, "blobs/sha256", large.digest.slice(7));
    const bytes = await readFile(path);
    for (const damage of [(all: Buffer) => all.fill(0), (all: Buffer) => all.fill(1, 500, 600)]) {
      const damaged = Buffer.from(bytes);
      damage(damaged);
      await writeFile(path, damaged);
      await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
      assert.deepEqual(await readFile(path), bytes);
    }
    assert.equal(countOf(requests, large.digest), 3);
  });

  it("is repaired by a run that finds a damaged manifest, and the run succeeds", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    const reference = `${host}/os/image@${image.digest}`;
    await extractImage(reference, { cacheDir: cacheDirectory });
    const path = join(cacheDirectory, "blobs/sha256", image.digest.slice(7));
    await writeFile(path, "{}");
    await extractImage(reference, { cacheDir: cacheDirectory });
    assert.deepEqual(await readFile(path), content.bytes(image));
  });

  it("can be used by several concurrent runs", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    const runs = [1, 2, 3].map(() =>
      extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory }),
    );
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
    const options = { cwd, program: await copyOfProgram(), prefix: ordinaryUser };
    await chown(cwd, 65534, 65534);
    assert.equal((await runProgram(words, options)).status, 0);
    const path = join(cwd, ".cache/kairos-netboot/blobs/sha256", large.digest.slice(7));
    await chown(path, 0, 0);
    await chmod(path, 0o600);
    const { status, stderr } = await runProgram(words, options);
    assert.equal(status, 0, stderr);
    assert.equal(countOf(requests, large.digest), 2);
    assert.equal((await stat(path)).uid, 65534);
  });

  it("fails with the same error if no directory can be created", async (t) => {
    const { host } = await serveImage(t, content, image);
    await assert.rejects(extractImage(`${host}/os/image:v1`, { cacheDir: "/proc/foo/cache" }), {
      code: "CACHE_NOT_WRITABLE",
    });
  });

  it("is verified although another process removes blobs meanwhile", async (t) => {
    const { host } = await serveImage(t, content, image);
    const cacheDirectory = await temporaryDirectory();
    await extractImage(`${host}/os/image:v1`, { cacheDir: cacheDirectory });
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
