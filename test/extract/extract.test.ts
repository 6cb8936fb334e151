import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type * as KairosNetboot from "../../src/index.js";
import type * as OciClient from "../../src/oci-client/index.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { serveImage } from "../oci-client/support/local-server.js";
import { baseLayer } from "../support/base-layer.js";
import { checkout } from "../support/checkout.js";
import type { TarItem } from "../support/tar-builder.js";
import { addImage, baseName, imageOf, noise } from "./support/images.js";
import { demoImage, demoName, succeed } from "./support/run-netboot.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

/** Package names, so that the package's own exports are what is imported. */
const [packageName, clientName] = ["kairos-netboot", "kairos-netboot/oci-client"];

describe("the package", () => {
  let kairosNetboot: typeof KairosNetboot;
  let ociClient: typeof OciClient;
  before(async () => {
    assert.ok(existsSync(join(checkout, "dist/index.js")), "npm run build comes before");
    kairosNetboot = await import(packageName!);
    ociClient = await import(clientName!);
  });

  it("extracts, and reports image, layers, squashfs, and choices as they occur", async () => {
    const events: KairosNetboot.ExtractEvent[] = [];
    const output = join(await temporaryDirectory(), "out");
    const result = await kairosNetboot.extract({
      image: demoImage,
      output,
      platform: "linux/amd64",
      onEvent: (event) => events.push(event),
    });
    assert.equal(result.directory, output);
    assert.equal(result.isUnchanged, false);
    assert.equal(result.description.name, demoName);
    const written = JSON.parse(await readFile(join(output, "netboot.json"), "utf8"));
    assert.deepEqual(result.description, written);

    const types = events.map(({ type }) => type);
    assert.equal(types.indexOf("image"), 0);
    assert.deepEqual([...new Set(types)].sort(), ["image", "layer", "message", "squashfs"]);
    const [image] = events;
    assert.ok(image?.type === "image" && image.layers.length === 3);
    const complete = new Set(
      events.flatMap((event) =>
        event.type === "layer" && event.present === event.size ? [event.digest] : [],
      ),
    );
    assert.deepEqual([...complete].sort(), image.layers.map(({ digest }) => digest).sort());
    const last = events.findLast((event) => event.type === "squashfs");
    assert.ok(last?.type === "squashfs" && last.written === last.total);
  });

  it("stops when its signal is aborted, and leaves nothing behind", async () => {
    const cwd = await temporaryDirectory();
    const image = await imageOf([baseLayer, [noise("noise", 8_000_000)]]);
    const controller = new AbortController();
    const job = kairosNetboot.extract({
      image,
      output: join(cwd, "new/out"),
      platform: "amd64",
      compression: "xz",
      signal: controller.signal,
      onEvent: ({ type }) => type === "squashfs" && controller.abort(),
    });
    await assert.rejects(job, { name: "NetbootError", code: "INTERRUPTED" });
    assert.deepEqual(await readdir(cwd), []);
  });

  it("stops promptly while it merges layers that take long", async () => {
    // Each of the last names leads through 200 symlinks of 35 parts: without an end, 15 seconds.
    const chain = Array.from({ length: 200 }, (_, number): TarItem => {
      return { name: `l${number + 1}`, type: "symlink", link: `${"./".repeat(35)}l${number}` };
    });
    const names = Array.from({ length: 50_000 }, (_, number): TarItem => {
      return { name: `l200/f${number}`, type: "symlink", link: "x" };
    });
    const first: TarItem = { name: "l0/", type: "directory" };
    const image = await imageOf([baseLayer, [first, ...chain, ...names]]);
    const output = join(await temporaryDirectory(), "out");
    const controller = new AbortController();
    let aborted = Number.POSITIVE_INFINITY;
    const job = kairosNetboot.extract({
      ...{ image, output, platform: "amd64", signal: controller.signal },
      onEvent: ({ type }) => {
        if (type !== "layer" || aborted < Number.POSITIVE_INFINITY) return;
        aborted = performance.now() + 300;
        setTimeout(() => controller.abort(), 300);
      },
    });
    await assert.rejects(job, { name: "NetbootError", code: "INTERRUPTED" });
    const late = performance.now() - aborted;
    // "Within a second": times a factor for machines that are busy with other tests.
    assert.ok(late < 4000, `it stopped after ${late} ms`);
  });

  it("does not begin if its signal is already aborted", async () => {
    const cwd = await temporaryDirectory();
    const events: unknown[] = [];
    const job = kairosNetboot.extract({
      image: demoImage,
      output: join(cwd, "new/out"),
      platform: "amd64",
      signal: AbortSignal.abort(),
      onEvent: (event) => events.push(event),
    });
    await assert.rejects(job, { name: "NetbootError", code: "INTERRUPTED" });
    assert.deepEqual(await readdir(cwd), []);
    assert.deepEqual(events, []);
  });

  it("can be used repeatedly and concurrently", async () => {
    const cwd = await temporaryDirectory();
    const images = [demoImage, await imageOf([baseLayer]), demoImage];
    const jobs = images.map((image, index) =>
      kairosNetboot.extract({ image, output: join(cwd, String(index)), platform: "amd64" }),
    );
    const names = (await Promise.all(jobs)).map(({ description }) => description.name);
    assert.deepEqual(names, [demoName, baseName, demoName]);
  });

  it("throws its own error class with a code, a hint, and an exit status", async () => {
    const output = join(await temporaryDirectory(), "out");
    const job = kairosNetboot.extract({ image: "oci:/nowhere", output });
    await assert.rejects(job, (error) => {
      assert.ok(error instanceof kairosNetboot.NetbootError);
      assert.deepEqual([error.code, error.exitStatus], ["LAYOUT_INVALID", 3]);
      assert.match(error.hint, /skopeo/);
      return true;
    });
  });

  it("includes the registry client, which can be used on its own", async (t) => {
    const content = new ImageContent();
    const root = addImage(content, [baseLayer]);
    const { host } = await serveImage(t, content, root);
    const client = new ociClient.RegistryClient();
    t.after(() => client.close());
    const reference = ociClient.parseReference(`${host}/os/image:v1`);
    const image = await client.resolve(reference, ociClient.parsePlatform("amd64"));
    assert.equal(image.digest, root.digest);
  });

  it("has types that compile in strict TypeScript", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "node_modules"));
    for (const name of ["@types", "undici-types"]) {
      const target = join(checkout, "node_modules", name);
      if (existsSync(target)) await symlink(target, join(directory, "node_modules", name));
    }
    await symlink(checkout, join(directory, "node_modules/kairos-netboot"));
    await writeFile(join(directory, "package.json"), '{"type":"module"}');
    await writeFile(
      join(directory, "program.ts"),
      `import { extract, NetbootError, type ErrorCode, type ExtractOptions } from "kairos-netboot";
import { RegistryClient, parseReference } from "kairos-netboot/oci-client";
const options: ExtractOptions = { image: "a", output: "b", signal: AbortSignal.timeout(1) };
const name: string = (await extract(options)).description.name;
const code: ErrorCode = new NetbootError("INTERNAL", name, "").code;
export const client: RegistryClient = new RegistryClient();
export default [code, parseReference("a")];
`,
    );
    const target = ["--target", "es2022", "--lib", "es2022", "--module", "nodenext"];
    const compiler = join(checkout, "node_modules/typescript/bin/tsc");
    const words = [compiler, "--noEmit", "--strict", ...target, "--types", "node", "program.ts"];
    await succeed(process.execPath, words, directory);
  });
});
