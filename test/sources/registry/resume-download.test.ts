import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { extract } from "../../../src/extract/index.js";
import { addImage, layoutOf, noise } from "../../extract/support/images.js";
import { succeed } from "../../extract/support/run-netboot.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { startRegistry } from "../../oci-client/support/docker-registry.js";
import { ImageContent } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";

describe("Debian's docker-registry behind a network that cuts every connection", () => {
  it("delivers the whole image, and no byte of a layer twice", async (t) => {
    const content = new ImageContent();
    const root = addImage(content, [baseLayer, [noise("noise", 3_000_000)]]);
    const registry = await startRegistry(t, await temporaryDirectory());
    await succeed("skopeo", [
      ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
      ...[await layoutOf(content, root), `docker://${registry}/os/image:v1`],
    ]);
    const network = await cuttingProxy(t, Number(registry.split(":")[1]), 700_000);
    const cacheDirectory = await temporaryDirectory();
    await extract({
      image: `127.0.0.1:${network.port}/os/image:v1`,
      output: join(await temporaryDirectory(), "out"),
      platform: "amd64",
      cacheDir: cacheDirectory,
      signal: t.signal,
    });
    const blobs = join(cacheDirectory, "blobs/sha256");
    for (const name of await readdir(blobs)) {
      const bytes = content.bytes({ digest: `sha256:${name}` });
      assert.ok((await readFile(join(blobs, name))).equals(bytes), name);
    }
    assert.ok(network.cuts() >= 4);
    // Bytes on the way are lost when a connection is cut: up to two of its buffers.
    assert.ok(network.passed() < 3_000_000 + network.cuts() * 300_000, `${network.passed()} bytes`);
  });
});

/** Passes bytes on, and closes each connection after `most` bytes of answers. */
async function cuttingProxy(t: TestContext, port: number, most: number) {
  let cuts = 0;
  let passed = 0;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    let back = 0;
    far.on("data", (chunk) => {
      back += chunk.length;
      passed += chunk.length;
      near.write(chunk);
      if (back < most) return;
      cuts += 1;
      far.destroy();
      // The written bytes are sent before the connection ends.
      near.end();
    });
    near.on("data", (chunk) => far.write(chunk));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.end());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    passed: () => passed,
  };
}
