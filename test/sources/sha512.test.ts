import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { inspect } from "../../src/inspect/index.js";
import { listCache, verifyCache } from "../../src/sources/index.js";
import { NetbootError } from "../../src/support/index.js";
import { verifyDirectory } from "../../src/verify/index.js";
import { addImage, layoutOf } from "../extract/support/images.js";
import { succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { digestOf, ImageContent, ociLayerType } from "../oci-client/support/image-content.js";
import { serveImage } from "../oci-client/support/local-server.js";
import { baseLayer } from "../support/base-layer.js";
import { tar } from "../support/tar-builder.js";

/** An image whose digests and diff IDs are all SHA-512. */
const content = new ImageContent("sha512");
const root = addImage(content, [baseLayer]);
const { config, layers } = content.json(root);
const [layer] = layers;

describe("an image whose digests are SHA-512 is read", () => {
  const cases: [name: string, make: () => Promise<string>][] = [
    ["from an OCI layout", () => layoutOf(content, root)],
    ["from an OCI layout by digest", async () => `${await layout()}@${root.digest}`],
    ["from an OCI archive", async () => `oci-archive:${await packed(await layout())}`],
    ["from a directory of an older skopeo", () => skopeoDirectory((_, hex) => hex)],
    ["from a directory of a newer skopeo", () => skopeoDirectory((name, hex) => `${name}-${hex}`)],
  ];
  for (const [name, make] of cases) {
    it(name, async () => {
      const { manifestDigest, problems } = await look(await make());
      assert.equal(manifestDigest.replace(/^sha256:.*/, root.digest), root.digest);
      assert.deepEqual(problems, []);
    });
  }

  it("from archives of docker save", async () => {
    const blob = ({ digest }: { digest: string }) => `blobs/${digest.replace(":", "/")}`;
    const plain = tar(baseLayer);
    for (const [configName, layerName, bytes] of [
      [blob(config), blob(layer), content.bytes(layer)],
      ["config.json", "1/layer.tar", plain],
    ] as const) {
      const manifest = JSON.stringify([
        { Config: configName, RepoTags: ["os:v1"], Layers: [layerName] },
      ]);
      const file = join(await temporaryDirectory(), "image.tar");
      const entries = [
        { name: configName, content: content.bytes(config) },
        { name: layerName, content: bytes },
        { name: "manifest.json", content: manifest },
      ];
      await writeFile(file, tar(entries));
      assert.deepEqual((await look(`docker-archive:${file}`)).problems, []);
    }
  });

  it("from a registry, and sha512sum computes the recorded digest", async (t) => {
    const { host } = await serveImage(t, content, root);
    const directory = await temporaryDirectory();
    const cacheDir = join(directory, "cache");
    const reference = `${host}/os/image@${root.digest}`;
    const options = { image: reference, output: join(directory, "out"), platform: "amd64" };
    const { description, paths } = await extract({ ...options, cacheDir, sbom: "spdx" });

    const manifest = join(directory, "manifest");
    await writeFile(manifest, content.bytes(root));
    const sum = (await succeed("sha512sum", [manifest])).stdout.split(" ")[0]!;
    assert.equal(description.source.manifestDigest, `sha512:${sum}`);
    const { predicate } = JSON.parse(await readFile(paths.provenance, "utf8"));
    assert.deepEqual(predicate.buildDefinition.resolvedDependencies[0].digest, { sha512: sum });
    const [image] = JSON.parse(await readFile(paths.sbom!, "utf8")).packages;
    assert.deepEqual(image.checksums, [{ algorithm: "SHA512", checksumValue: sum }]);
    // verify has no option for the cache.
    process.env.XDG_CACHE_HOME = directory;
    const statuses: string[] = [];
    for await (const { check, status } of verifyDirectory({
      directory: options.output,
      source: true,
    })) {
      if (["source", "provenance"].includes(check)) statuses.push(status);
    }
    assert.deepEqual(statuses, ["ok", "ok"]);

    const cached = await listCache(cacheDir);
    const expected = [root, config, layer].map(({ digest }) => digest);
    assert.deepEqual(cached.map(({ digest }) => digest).sort(), expected.sort());
    const signal = new AbortController().signal;
    assert.equal((await verifyCache(cacheDir, { signal })).intact, 3);
    await appendFile(cached.find(({ digest }) => digest === layer.digest)!.path, "x");
    const { removed } = await verifyCache(cacheDir, { signal });
    assert.deepEqual(
      removed.map(({ digest }) => digest),
      [layer.digest],
    );
    await extract({ ...options, cacheDir, force: true });
  });
});

describe("an image whose SHA-512 digest is wrong is refused:", () => {
  const wrong = `sha512:${"0".repeat(128)}`;
  const cases: [name: string, damage: (copy: ImageContent) => void, code: string][] = [
    ["a manifest", (copy) => change(copy, root.digest), "BLOB_MISMATCH"],
    ["a config", (copy) => change(copy, config.digest), "BLOB_MISMATCH"],
    ["a layer", (copy) => change(copy, layer.digest), "BLOB_MISMATCH"],
  ];
  for (const [name, damage, code] of cases) {
    it(name, async () => {
      const copy = new ImageContent("sha512");
      for (const [digest, bytes] of content.blobs) copy.blobs.set(digest, bytes);
      damage(copy);
      await assert.rejects(look(await layoutOf(copy, root)), isError(code, /sha512:/));
    });
  }

  it("a diff ID", async () => {
    const copy = new ImageContent("sha512");
    const rootfs = { type: "layers", diff_ids: [wrong] };
    const image = await layoutOf(copy, addImage(copy, [baseLayer], { config: { rootfs } }));
    const right = digestOf(tar(baseLayer), "sha512");
    const words = new RegExp(`unpacks to ${right}, but .* says ${wrong}`);
    await assert.rejects(look(image), isError("LAYER_MISMATCH", words));
  });
});

it("an image may mix both algorithms", async () => {
  const mixed = new ImageContent();
  const plain = tar(baseLayer);
  mixed.blobs.set(layer.digest, content.bytes(layer));
  const diffIds = [digestOf(plain, "sha512"), digestOf(plain)];
  const image = addImage(mixed, [], {
    config: { rootfs: { type: "layers", diff_ids: diffIds } },
    manifest: { layers: [layer, mixed.add(plain, ociLayerType)] },
  });
  const directory = join(await temporaryDirectory(), "layout");
  await mkdir(join(directory, "blobs/sha512"), { recursive: true });
  await mixed.writeLayout(directory, image, "test");
  assert.deepEqual((await look(`oci:${directory}`)).problems, []);
});

async function look(image: string) {
  return inspect({ image, platform: "amd64", cache: false });
}

/** The reference of a layout without its tag. */
async function layout(): Promise<string> {
  return (await layoutOf(content, root)).replace(/:test$/, "");
}

async function packed(reference: string): Promise<string> {
  const file = join(await temporaryDirectory(), "image.tar");
  await succeed("tar", ["-C", reference.slice("oci:".length), "-cf", file, "."]);
  return file;
}

/** containers/image, directory/directory_transport.go: the names of blobs in both versions. */
async function skopeoDirectory(
  nameOf: (algorithm: string, hex: string) => string,
): Promise<string> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "manifest.json"), content.bytes(root));
  for (const { digest } of [config, layer]) {
    const [algorithm, hex] = digest.split(":");
    await writeFile(join(directory, nameOf(algorithm, hex)), content.bytes({ digest }));
  }
  return `dir:${directory}`;
}

function change(copy: ImageContent, digest: string): void {
  const bytes = Buffer.from(copy.bytes({ digest }));
  bytes[bytes.length - 3]! ^= 1;
  copy.blobs.set(digest, bytes);
}

function isError(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}
