import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../../src/extract/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { addImage, baseName, imageOf, layoutOf } from "../../extract/support/images.js";
import { demoImage, demoName, succeed } from "../../extract/support/run-netboot.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent, ociLayerType } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";

const demoDirectory = demoImage.slice("oci:".length);

describe("a layout that skopeo wrote", () => {
  it("of one image is taken without and with its tag", async () => {
    const layout = await copied("v1");
    for (const reference of [`oci:${layout}`, `oci:${layout}:v1`]) {
      assert.equal((await run(reference)).description.name, demoName);
    }
  });

  it("of several images needs a tag, and the error names those there are", async () => {
    const other = await imageOf([baseLayer]);
    const layout = await copied("v1");
    await skopeo(other, `oci:${layout}:v2`);
    assert.equal((await run(`oci:${layout}:v1`)).description.name, demoName);
    assert.equal((await run(`oci:${layout}:v2`)).description.name, baseName);
    await assert.rejects(run(`oci:${layout}`), isError("LAYOUT_INVALID", /v1, v2/, /:v1/));
    await assert.rejects(run(`oci:${layout}:v3`), isError("IMAGE_NOT_FOUND", /v3/, /v1, v2/));
  });

  it("with a whole reference for a tag is taken by that, as skopeo reads it", async () => {
    const layout = await copied("quay.io/kairos/demo:v1");
    await skopeo(await imageOf([baseLayer]), `oci:${layout}:other`);
    const { description } = await run(`oci:${layout}:quay.io/kairos/demo:v1`);
    assert.equal(description.name, demoName);
  });

  it("is selected by digest", async () => {
    const layout = await copied("v1");
    const digest = "sha256:017d09fbbfee32e03957e0e71119c7a1304d7a5dbff7d6532de2933925107043";
    assert.equal((await run(`oci:${layout}@${digest}`)).description.source.manifestDigest, digest);
    const none = digest.replace("017d", "0000");
    await assert.rejects(run(`oci:${layout}@${none}`), isError("IMAGE_NOT_FOUND", /0000/, /v1/));
  });

  it("is selected by a SHA-512 digest", async () => {
    const layout = await copied("v1");
    const path = join(layout, "index.json");
    const index = JSON.parse(await readFile(path, "utf8"));
    const [image] = index.manifests;
    const bytes = await readFile(join(layout, "blobs", ...image.digest.split(":")));
    const hex = createHash("sha512").update(bytes).digest("hex");
    await mkdir(join(layout, "blobs/sha512"));
    await writeFile(join(layout, "blobs/sha512", hex), bytes);
    index.manifests.push({ ...image, digest: `sha512:${hex}`, annotations: {} });
    await writeFile(path, JSON.stringify(index));
    const { description } = await run(`oci:${layout}@sha512:${hex}`);
    assert.equal(description.source.manifestDigest, `sha512:${hex}`);
  });

  it("is selected without a tag if the reference ends with a colon", async () => {
    assert.equal((await run(`oci:${await copied("v1")}:`)).description.name, demoName);
  });

  it("can be in a directory whose name contains a colon", async () => {
    const layout = join(await temporaryDirectory(), "a:b");
    await succeed("cp", ["-r", demoDirectory, layout]);
    assert.equal((await run(`oci:${layout}`)).description.name, demoName);
    assert.equal((await run(`oci:${layout}:latest`)).description.name, demoName);
  });
});

it("a layout that umoci wrote is accepted", async () => {
  const directory = await temporaryDirectory();
  await succeed("umoci", ["init", "--layout", join(directory, "layout")]);
  const image = `${join(directory, "layout")}:v1`;
  await succeed("umoci", ["new", "--image", image]);
  const root = join(directory, "bundle/rootfs");
  await succeed("umoci", ["unpack", "--image", image, join(directory, "bundle")]);
  await mkdir(join(root, "boot"));
  await mkdir(join(root, "etc"));
  await writeFile(join(root, "boot/vmlinuz"), "a kernel");
  await writeFile(join(root, "boot/initrd"), "an initrd");
  await writeFile(join(root, "etc/kairos-release"), "KAIROS_ARTIFACT=kairos-umoci\n");
  await succeed("umoci", ["repack", "--image", image, join(directory, "bundle")]);
  assert.equal((await run(`oci:${image}`)).description.name, "kairos-umoci");
});

describe("a layout is refused with a hint if", () => {
  const cases: [name: string, make: () => Promise<string>, code: string, message: RegExp][] = [
    ["the directory does not exist", async () => "oci:/nowhere", "LAYOUT_INVALID", /\/nowhere/],
    [
      "the directory contains something else",
      async () => `oci:${await temporaryDirectory()}`,
      "LAYOUT_INVALID",
      /is not an OCI layout/,
    ],
    [
      "index.json is not JSON",
      () => changedLayout((index) => writeFile(index, "{")),
      "LAYOUT_INVALID",
      /index\.json/,
    ],
    [
      "index.json is not an index",
      () => changedLayout((index) => writeFile(index, '{"schemaVersion":2,"config":{}}')),
      "LAYOUT_INVALID",
      /index\.json/,
    ],
    [
      "index.json is too large",
      () => changedLayout((index) => writeFile(index, Buffer.alloc(5_000_000, " "))),
      "LAYOUT_INVALID",
      /too large/,
    ],
    [
      "index.json is a directory",
      () =>
        changedLayout(async (index) => {
          await rm(index);
          await mkdir(index);
        }),
      "LAYOUT_INVALID",
      /index\.json/,
    ],
    [
      "it contains no image",
      () => changedLayout((index) => writeFile(index, '{"schemaVersion":2,"manifests":[]}')),
      "LAYOUT_INVALID",
      /lists no image/,
    ],
    ["the manifest is missing", () => withoutBlob("manifest"), "BLOB_NOT_FOUND", /lacks the blob/],
    ["the config is missing", () => withoutBlob("config"), "BLOB_NOT_FOUND", /lacks the blob/],
    ["a layer is missing", () => withoutBlob("layer"), "BLOB_NOT_FOUND", /lacks the blob/],
    [
      "the manifest does not match its digest",
      () => damagedBlob("manifest"),
      "BLOB_MISMATCH",
      /manifest/,
    ],
    [
      "the config does not match its digest",
      () => damagedBlob("config"),
      "BLOB_MISMATCH",
      /config/,
    ],
    ["a layer does not match its digest", () => damagedBlob("layer"), "BLOB_MISMATCH", /blob/],
    ...(
      [
        ["petabytes", 9 * 10 ** 15, ["BLOB_MISMATCH", "MANIFEST_INVALID", "BLOB_MISMATCH"]],
        ["exabytes", 10 ** 18, ["MANIFEST_INVALID", "MANIFEST_INVALID", "LAYOUT_INVALID"]],
      ] as const
    ).flatMap(([unit, size, [ofLayer, ofConfig, ofManifest]]): typeof cases => [
      [`a layer claims ${unit}`, () => layerThatClaims(size), ofLayer, /size|bytes/],
      [`the config claims ${unit}`, () => configThatClaims(size), ofConfig, /size|bytes/],
      [`the manifest claims ${unit}`, () => manifestThatClaims(size), ofManifest, /index|bytes/],
    ]),
    [
      "a size is negative",
      async () => {
        const content = new ImageContent();
        return layoutOf(content, { ...addImage(content, [baseLayer]), size: -1 });
      },
      "LAYOUT_INVALID",
      /index\.json/,
    ],
    [
      "a digest leads outside",
      async () => {
        const content = new ImageContent();
        const digest = "sha256:../../../../etc/passwd";
        return layoutOf(content, { ...addImage(content, [baseLayer]), digest });
      },
      "LAYOUT_INVALID",
      /index\.json/,
    ],
  ];
  for (const [name, make, code, message] of cases) {
    it(name, async () => {
      await assert.rejects(run(await make()), isError(code, message, /\w/));
    });
  }
});

async function run(image: string) {
  return extract({ image, output: join(await temporaryDirectory(), "out"), platform: "amd64" });
}

/** A copy of the demo image under a tag. */
async function copied(tag: string): Promise<string> {
  const layout = join(await temporaryDirectory(), "layout");
  await skopeo(`${demoImage}:latest`, `oci:${layout}:${tag}`);
  return layout;
}

async function skopeo(from: string, to: string): Promise<void> {
  await succeed("skopeo", ["--insecure-policy", "copy", "--quiet", from, to]);
}

async function changedLayout(change: (index: string) => Promise<void>): Promise<string> {
  const layout = join(await temporaryDirectory(), "layout");
  await succeed("cp", ["-r", demoDirectory, layout]);
  await change(join(layout, "index.json"));
  return `oci:${layout}`;
}

async function layerThatClaims(size: number): Promise<string> {
  const content = new ImageContent();
  const layer = { ...content.add(Buffer.from("x"), ociLayerType), size };
  const config = { rootfs: { type: "layers", diff_ids: [layer.digest] } };
  return layoutOf(content, addImage(content, [], { config, manifest: { layers: [layer] } }));
}

async function configThatClaims(size: number): Promise<string> {
  const content = new ImageContent();
  const { config } = content.json(addImage(content, [baseLayer]));
  const manifest = { config: { ...config, size } };
  return layoutOf(content, addImage(content, [baseLayer], { manifest }));
}

async function manifestThatClaims(size: number): Promise<string> {
  const content = new ImageContent();
  return layoutOf(content, { ...addImage(content, [baseLayer]), size });
}

type Part = "manifest" | "config" | "layer";

async function withoutBlob(part: Part): Promise<string> {
  return changedLayout(async (index) => {
    const blob = await blobOf(index, part);
    await rename(blob, `${blob}.away`);
  });
}

/** A blob of the same length with one bit changed. */
async function damagedBlob(part: Part): Promise<string> {
  return changedLayout(async (index) => {
    const blob = await blobOf(index, part);
    const bytes = await readFile(blob);
    bytes[bytes.length - 3]! ^= 1;
    await writeFile(blob, bytes);
  });
}

async function blobOf(index: string, part: Part): Promise<string> {
  const pathOf = ({ digest }: { digest: string }) =>
    join(index, "../blobs/sha256", digest.slice("sha256:".length));
  const manifest = pathOf(JSON.parse(await readFile(index, "utf8")).manifests[0]);
  if (part === "manifest") return manifest;
  const { config, layers } = JSON.parse(await readFile(manifest, "utf8"));
  return pathOf(part === "config" ? config : layers[1]);
}

function isError(code: string, message: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    return true;
  };
}
