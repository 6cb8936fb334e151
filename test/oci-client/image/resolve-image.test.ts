import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ImageReader,
  type OciClientErrorCode,
  parsePlatform,
  resolveImage,
} from "../../../src/oci-client/index.js";
import { failsWith } from "../support/fails-with.js";
import {
  digestOf,
  dockerListType,
  ImageContent,
  ociConfigType,
  ociIndexType,
  ociManifestType,
  type Pointer,
} from "../support/image-content.js";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64", variant: "v8" };
const armv6 = { os: "linux", architecture: "arm", variant: "v6" };
const armv7 = { os: "linux", architecture: "arm", variant: "v7" };
const unknownPlatform = { os: "unknown", architecture: "unknown" };

/** Reads content from memory. */
function readerOf(content: ImageContent, root: Pointer): ImageReader {
  return {
    manifest: async ({ digest = root.digest }) => ({ bytes: content.bytes({ digest }) }),
    smallBlob: async (descriptor) => content.bytes(descriptor),
  };
}

function resolve(content: ImageContent, root: Pointer, platform: string) {
  return resolveImage(readerOf(content, root), "v1", parsePlatform(platform));
}

function entry(pointer: Pointer, platform?: object, members: object = {}): Pointer {
  return { ...pointer, ...(platform && { platform }), ...members };
}

describe("resolveImage", () => {
  it("resolves a plain manifest", async () => {
    const content = new ImageContent();
    const root = content.image(amd64, ["a", "b"]);
    const image = await resolve(content, root, "linux/amd64");
    assert.equal(image.digest, root.digest);
    assert.equal(image.indexDigest, undefined);
    assert.deepEqual(image.platform, amd64);
    assert.deepEqual(image.manifestBytes, content.bytes(root));
    assert.equal(digestOf(image.configBytes), image.manifest.config.digest);
    assert.equal(image.config.rootfs.diff_ids.length, 2);
  });

  const wanted: [platform: string, expected: number][] = [
    ["linux/amd64", 1],
    ["linux/arm64", 2],
    ["linux/arm/v8", 4],
    ["linux/arm/v7", 4],
    ["linux/arm/v6", 3],
  ];
  for (const mediaType of [ociIndexType, dockerListType]) {
    for (const [platform, expected] of wanted) {
      it(`picks ${platform} from ${mediaType}`, async () => {
        const content = new ImageContent();
        const entries = [
          entry(content.manifest({ config: content.add({}, "x") }), unknownPlatform),
          entry(content.image(amd64), amd64),
          entry(content.image(arm64), arm64),
          entry(content.image(armv6), armv6),
          entry(content.image(armv7), armv7),
        ];
        const root = content.index(entries, mediaType);
        const image = await resolve(content, root, platform);
        assert.equal(image.digest, entries[expected]!.digest);
        assert.equal(image.indexDigest, root.digest);
      });
    }
  }

  it("starts from a digest or a descriptor as well as from a tag", async () => {
    const content = new ImageContent();
    const root = content.index([entry(content.image(amd64), amd64)]);
    const reader = readerOf(content, content.image(arm64));
    for (const start of [root.digest, root]) {
      const image = await resolveImage(reader, start, amd64);
      assert.equal(image.indexDigest, root.digest);
    }
  });

  it("takes the first of two manifests that match equally well", async () => {
    const content = new ImageContent();
    const first = entry(content.image(amd64, ["first"]), amd64);
    const root = content.index([first, entry(content.image(amd64, ["second"]), amd64)]);
    assert.equal((await resolve(content, root, "amd64")).digest, first.digest);
  });

  it("skips BuildKit's attestations regardless of their platform", async () => {
    const content = new ImageContent();
    const annotations = { "vnd.docker.reference.type": "attestation-manifest" };
    const image = content.image(amd64);
    const attestation = entry(content.image(amd64, ["in-toto"]), amd64, { annotations });
    const root = content.index([attestation, entry(image, amd64)]);
    assert.equal((await resolve(content, root, "amd64")).digest, image.digest);
  });

  it("skips artifacts in an index", async () => {
    const content = new ImageContent();
    const image = content.image(amd64);
    const sbom = entry(content.image(amd64, ["sbom"]), amd64, { artifactType: "application/x" });
    const root = content.index([sbom, entry(image, amd64)]);
    assert.equal((await resolve(content, root, "amd64")).digest, image.digest);
  });

  // descriptor.md: "the value of the config descriptor mediaType when the descriptor
  // references an image manifest".
  it("accepts an image whose artifact type is the media type of its config", async () => {
    const content = new ImageContent();
    const plain = content.json(content.image(amd64));
    const image = content.manifest({ ...plain, artifactType: ociConfigType });
    const root = content.index([entry(image, amd64, { artifactType: ociConfigType })]);
    assert.equal((await resolve(content, root, "amd64")).digest, image.digest);
  });

  it("finds an image next to an entry with an empty platform", async () => {
    const content = new ImageContent();
    const image = content.image(amd64);
    const root = content.index([entry(content.image(arm64), {}), entry(image, amd64)]);
    assert.equal((await resolve(content, root, "amd64")).digest, image.digest);
  });

  it("takes a manifest without a platform if all other entries are attestations", async () => {
    const content = new ImageContent();
    const image = content.image(amd64);
    const root = content.index([image, entry(content.image(amd64, ["in-toto"]), unknownPlatform)]);
    const resolved = await resolve(content, root, "amd64");
    assert.equal(resolved.digest, image.digest);
    assert.deepEqual(resolved.platform, amd64);
  });

  it("takes the only manifest even if its platform is empty", async () => {
    const content = new ImageContent();
    const image = content.image(amd64);
    const root = content.index([entry(image, { os: "", architecture: "" })]);
    assert.equal((await resolve(content, root, "amd64")).digest, image.digest);
  });

  describe("for an index entry without a media type", () => {
    const untyped = (pointer: Pointer, platform?: object) =>
      entry(pointer, platform, { mediaType: undefined });

    it("takes the media type of the manifest", async () => {
      const content = new ImageContent();
      const image = content.image(amd64);
      for (const platform of [amd64, undefined]) {
        const resolved = await resolve(content, content.index([untyped(image, platform)]), "amd64");
        assert.equal(resolved.digest, image.digest);
        assert.equal(resolved.manifest.mediaType, ociManifestType);
      }
    });

    it("looks into it if it is an index", async () => {
      const content = new ImageContent();
      const image = content.image(amd64);
      const nested = content.index([entry(image, amd64)]);
      const resolved = await resolve(content, content.index([untyped(nested)]), "amd64");
      assert.equal(resolved.digest, image.digest);
    });

    it("does not read it if it is for another platform, but lists that platform", async () => {
      const content = new ImageContent();
      const absent = content.image(arm64);
      content.blobs.delete(absent.digest);
      const image = content.image(amd64);
      const root = content.index([untyped(absent, arm64), untyped(image, amd64)]);
      const resolved = await resolve(content, root, "amd64");
      assert.equal(resolved.digest, image.digest);
      assert.deepEqual(resolved.platforms, [arm64, amd64]);
    });
  });

  it("finds an image in an index in an index in an index", async () => {
    const content = new ImageContent();
    const image = content.image(arm64);
    const inner = content.index([entry(image, arm64)]);
    const middle = content.index([entry(content.image(amd64), amd64), inner]);
    const root = content.index([middle]);
    assert.equal((await resolve(content, root, "arm64")).digest, image.digest);
  });

  it("takes the variant from the index if the config has none", async () => {
    const content = new ImageContent();
    const root = content.index([entry(content.image({ os: "linux", architecture: "arm" }), armv6)]);
    assert.deepEqual((await resolve(content, root, "linux/arm/v6")).platform, armv6);
  });

  it("accepts an image without layers regardless of its config", async () => {
    const content = new ImageContent();
    const config = content.add(
      { ...amd64, rootfs: { diff_ids: [digestOf(Buffer.from("x"))] } },
      ociConfigType,
    );
    await resolve(content, content.manifest({ config, layers: [] }), "amd64");
  });

  type Case = [string, (content: ImageContent) => Pointer, OciClientErrorCode, RegExp];
  const refused: Case[] = [
    [
      "a plain manifest for another platform",
      (content) => content.image(arm64),
      "PLATFORM_NOT_FOUND",
      /linux\/amd64, only for linux\/arm64\./,
    ],
    [
      "an index without the platform, and lists the platforms in it",
      (content) =>
        content.index([
          entry(content.image(arm64), arm64),
          entry(content.image(armv7), armv7),
          entry(content.image(armv7, ["attestation"]), unknownPlatform),
        ]),
      "PLATFORM_NOT_FOUND",
      /only for linux\/arm64\/v8, linux\/arm\/v7\./,
    ],
    ["an empty index", (content) => content.index([]), "PLATFORM_NOT_FOUND", /no known platform/],
    [
      "an only manifest without a platform, but with a config for another one",
      (content) => content.index([content.image(arm64)]),
      "PLATFORM_NOT_FOUND",
      /only for linux\/arm64/,
    ],
    [
      "indexes nested five deep",
      (content) => {
        let root = entry(content.image(amd64), amd64);
        for (let depth = 0; depth < 5; depth++) root = content.index([root]);
        return root;
      },
      "MANIFEST_INVALID",
      /nested/,
    ],
    [
      "a hundred nested indexes",
      (content) =>
        content.index(
          Array.from({ length: 100 }, (_, i) =>
            content.index([entry(content.image(amd64, [`${i}`]), arm64)]),
          ),
        ),
      "MANIFEST_INVALID",
      /too many/,
    ],
    [
      "an index instead of a manifest",
      (content) =>
        content.index([{ ...content.index([]), mediaType: ociManifestType, platform: amd64 }]),
      "MANIFEST_INVALID",
      /is an index/,
    ],
    [
      "a Helm chart",
      (content) =>
        content.manifest({
          config: content.add({}, "application/vnd.cncf.helm.config.v1+json"),
          layers: [
            content.add(Buffer.from("x"), "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
          ],
        }),
      "NOT_AN_IMAGE",
      /Helm chart/,
    ],
    [
      "more layers than the config has",
      (content) => {
        const config = content.add({ ...amd64, rootfs: { diff_ids: [] } }, ociConfigType);
        return content.manifest({ config, layers: [content.add(Buffer.from("x"), "l")] });
      },
      "MANIFEST_INVALID",
      /1 layers but its config has 0/,
    ],
    [
      "a config of more than 4 MiB",
      (content) => {
        const config = { ...content.add({}, ociConfigType), size: 4 * 1024 * 1024 + 1 };
        return content.manifest({ config, layers: [] });
      },
      "MANIFEST_INVALID",
      /bytes/,
    ],
    [
      "a config longer than in its descriptor",
      (content) => {
        const config = content.add({ ...amd64, rootfs: {} }, ociConfigType);
        return content.manifest({ config: { ...config, size: 3 }, layers: [] });
      },
      "BLOB_MISMATCH",
      /instead of 3/,
    ],
    [
      "a manifest with a wrong digest",
      (content) => {
        const image = content.image(amd64);
        content.blobs.set(image.digest, Buffer.from("x".repeat(image.size)));
        return content.index([entry(image, amd64)]);
      },
      "BLOB_MISMATCH",
      /a different digest/,
    ],
  ];
  for (const [name, build, code, words] of refused) {
    it(`refuses ${name}`, async () => {
      const content = new ImageContent();
      const root = build(content);
      await assert.rejects(resolve(content, root, "linux/amd64"), failsWith(code, words));
    });
  }
});
