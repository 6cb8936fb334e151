import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { inspect } from "../../src/inspect/index.js";
import { NetbootError } from "../../src/support/index.js";
import { addImage, layoutOf } from "../extract/support/images.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent, ociLayerType } from "../oci-client/support/image-content.js";
import { serveImage } from "../oci-client/support/local-server.js";
import { baseLayer } from "../support/base-layer.js";
import { compress } from "../support/layer-compression.js";
import { tar } from "../support/tar-builder.js";

interface FormatCase {
  readonly name: string;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly message: RegExp;
}

const encrypted = /^Layer 2 of 2 \(sha256:\w+\) is encrypted; its media type is /;
const nydus = /^Layer 2 of 2 \(sha256:\w+\) is a nydus blob instead of a tar; /;
const squashfs = /^Layer 2 of 2 \(sha256:\w+\) is a squashfs file system instead of a tar; /;
const erofs = /^Layer 2 of 2 \(sha256:\w+\) is an EROFS file system instead of a tar; /;
const oci = "application/vnd.oci.image.layer";

/** Media types and annotations of ocicrypt, nydus-snapshotter, stacker and the EROFS image spec. */
const announced: readonly FormatCase[] = [
  { name: "an encrypted tar", mediaType: `${oci}.v1.tar+encrypted`, message: encrypted },
  { name: "an encrypted tar.gz", mediaType: `${oci}.v1.tar+gzip+encrypted`, message: encrypted },
  { name: "an encrypted tar.zst", mediaType: `${oci}.v1.tar+zstd+encrypted`, message: encrypted },
  {
    name: "an encrypted layer that may not be distributed",
    mediaType: `${oci}.nondistributable.v1.tar+gzip+encrypted`,
    message: encrypted,
  },
  {
    name: "an encrypted layer with the media type of a plain one",
    mediaType: ociLayerType,
    annotations: { "org.opencontainers.image.enc.keys.jwe": "e30=" },
    message: encrypted,
  },
  { name: "a nydus blob", mediaType: `${oci}.nydus.blob.v1`, message: nydus },
  {
    name: "a nydus blob with the media type of a tar",
    mediaType: ociLayerType,
    annotations: { "containerd.io/snapshot/nydus-blob": "true" },
    message: nydus,
  },
  {
    name: "a squashfs of stacker",
    mediaType: "application/vnd.stacker.image.layer.squashfs+zstd+verity",
    message: squashfs,
  },
  { name: "a squashfs of old stackers", mediaType: `${oci}.squashfs`, message: squashfs },
  { name: "an EROFS", mediaType: "application/vnd.erofs+zstd", message: erofs },
  {
    name: "an EROFS of stacker",
    mediaType: "application/vnd.stacker.image.layer.erofs+lz4hc",
    message: erofs,
  },
];

describe("a layer that its descriptor calls", () => {
  for (const { name, mediaType, annotations, message } of announced) {
    it(`${name} is refused before any layer is fetched`, async (t) => {
      const { content, root } = imageWith(Buffer.from("not a tar"), mediaType, annotations);
      const { host, requests } = await serveImage(t, content, root);
      const image = `${host}/os/image:v1`;
      for (const run of [refusedExtract, refusedInspect]) {
        const error = await run(image);
        assert.equal(error.code, "LAYER_UNSUPPORTED");
        assert.match(error.message, message);
      }
      const layers = content.json(root).layers.map((layer: { digest: string }) => layer.digest);
      const urls = requests.map(({ url }) => url ?? "");
      assert.ok(!urls.some((url) => layers.some((digest: string) => url.endsWith(digest))));
    });
  }
});

const garbage = Buffer.alloc(4096, "\xa5\x17", "latin1");

function garbageWith(magic: Buffer, offset = 0): Buffer {
  const bytes = Buffer.from(garbage);
  magic.copy(bytes, offset);
  return bytes;
}

const contents: readonly (readonly [name: string, layer: Buffer, message: RegExp])[] = [
  ["a squashfs", garbageWith(Buffer.from("hsqs")), squashfs],
  ["a compressed squashfs", compress(garbageWith(Buffer.from("hsqs")), "gzip"), squashfs],
  ["an EROFS", garbageWith(Buffer.from("e2e1f5e0", "hex"), 1024), erofs],
  ["lz4", garbageWith(Buffer.from("04224d18", "hex")), /is compressed with lz4/],
  ["lzma", garbageWith(Buffer.from("5d00008000", "hex")), /is compressed with lzma/],
];

describe("a layer whose descriptor says that it is a tar, but which is", () => {
  for (const [name, layer, message] of contents) {
    it(`${name} is named by its contents`, async () => {
      const { content, root } = imageWith(layer, ociLayerType);
      const error = await refusedExtract(await layoutOf(content, root));
      assert.equal(error.code, "LAYER_UNSUPPORTED");
      assert.match(error.message, message);
    });
  }

  it("something else is damaged", async () => {
    const { content, root } = imageWith(garbage, ociLayerType);
    const error = await refusedExtract(await layoutOf(content, root));
    assert.equal(error.code, "LAYER_DAMAGED");
  });
});

it("a tar whose first file has a name like the magic number of a squashfs is a tar", async () => {
  const { content, root } = imageWith(tar([{ name: "hsqs", content: "x" }]), ociLayerType);
  const output = join(await temporaryDirectory(), "out");
  await extract({ image: await layoutOf(content, root), output, platform: "amd64", cache: false });
});

/** An image of the base layer and one more, for which the diff ID is right if it is a plain tar. */
function imageWith(
  layer: Buffer,
  mediaType: string,
  annotations: Readonly<Record<string, string>> = {},
) {
  const content = new ImageContent();
  const base = tar(baseLayer);
  const layers = [content.add(base, ociLayerType), content.add(layer, mediaType, { annotations })];
  const config = { rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) } };
  return { content, root: addImage(content, [], { config, manifest: { layers } }) };
}

async function refusedExtract(image: string): Promise<NetbootError> {
  const output = join(await temporaryDirectory(), "out");
  const error = await errorOf(extract({ image, output, platform: "amd64", cache: false }));
  assert.ok(!existsSync(output), "there is output");
  return error;
}

function refusedInspect(image: string): Promise<NetbootError> {
  return errorOf(inspect({ image, platform: "amd64", cache: false }));
}

async function errorOf(action: Promise<unknown>): Promise<NetbootError> {
  const error = await action.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof NetbootError, String(error));
  return error;
}
