import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatPlatform,
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

describe("resolveImage, if the config does not say the platform,", () => {
  type Build = (content: ImageContent) => Pointer;
  type Found = { platform: string; isAssumed: boolean };
  const assumed = { platform: "linux/amd64", isAssumed: true };
  const stated = { platform: "linux/amd64", isAssumed: false };

  const cases: [name: string, build: Build, expected: Found][] = [
    ["assumes the wanted one", (content) => content.image({}), assumed],
    ["counts an empty one", (content) => content.image({ os: "", architecture: "" }), assumed],
    ["assumes the architecture", (content) => content.image({ os: "linux" }), assumed],
    ["assumes Linux", (content) => content.image({ architecture: "amd64" }), stated],
    [
      "takes it from the index",
      (content) => content.index([entry(content.image({}), amd64)]),
      stated,
    ],
    [
      "takes the architecture from the index",
      (content) =>
        content.index([entry(content.image({ os: "linux" }), { architecture: "amd64" })]),
      stated,
    ],
    [
      "takes what the index lacks from the config",
      (content) =>
        content.index([entry(content.image({ architecture: "amd64" }), { os: "linux" })]),
      stated,
    ],
    [
      "assumes it for the only image in an index",
      (content) => content.index([content.image({})]),
      assumed,
    ],
    [
      "takes it from an outer index",
      (content) => content.index([entry(content.index([content.image({})]), amd64)]),
      stated,
    ],
    [
      "assumes it for the only image that may have it",
      (content) =>
        content.index([
          entry(content.image(arm64), arm64),
          content.image({}),
          content.image(armv7),
        ]),
      assumed,
    ],
  ];
  for (const [name, build, expected] of cases) {
    it(name, async () => {
      const content = new ImageContent();
      const image = await resolve(content, build(content), "linux/amd64");
      const { platform, isArchitectureAssumed } = image;
      const found = { platform: formatPlatform(platform), isAssumed: isArchitectureAssumed };
      assert.deepEqual(found, expected);
    });
  }

  it("assumes the wanted variant", async () => {
    const content = new ImageContent();
    const image = await resolve(content, content.image({}), "linux/arm/v6");
    assert.deepEqual(image.platform, armv6);
  });

  it("takes it from the descriptor that it starts with", async () => {
    const content = new ImageContent();
    const root = entry(content.image({}), arm64);
    const reader = readerOf(content, root);
    const image = await resolveImage(reader, root, parsePlatform("arm64"));
    assert.equal(image.isArchitectureAssumed, false);
    await assert.rejects(
      resolveImage(reader, root, amd64),
      failsWith("PLATFORM_NOT_FOUND", /only for linux\/arm64/),
    );
  });

  // Older versions of skopeo wrote the platform of the machine that they ran on.
  it("prefers the config to the descriptor that it starts with", async () => {
    const content = new ImageContent();
    const root = entry(content.image(arm64), amd64);
    await resolveImage(readerOf(content, root), root, parsePlatform("arm64"));
  });

  const refused: [name: string, build: Build, words: RegExp][] = [
    ["another architecture", (content) => content.image({ architecture: "arm64" }), /linux\/arm64/],
    ["another system", (content) => content.image({ os: "windows" }), /windows\/amd64/],
    [
      "another system in an index",
      (content) =>
        content.index([content.image({ os: "windows" }), entry(content.image({}), arm64)]),
      /linux\/arm64/,
    ],
    [
      "several images in an index",
      (content) => content.index([content.image({}, ["a"]), content.image({}, ["b"])]),
      /2 images in the index do not say/,
    ],
  ];
  for (const [name, build, words] of refused) {
    it(`refuses ${name}`, async () => {
      const content = new ImageContent();
      const root = build(content);
      const error = failsWith("PLATFORM_NOT_FOUND", words);
      await assert.rejects(resolve(content, root, "linux/amd64"), error);
    });
  }
});

/** A descriptor's platform is optional; containerd reads the config if it is absent. */
describe("resolveImage, for index entries without a platform,", () => {
  const of = (architecture: string, variant?: string) => ({
    os: "linux",
    architecture,
    ...(variant && { variant }),
  });
  const silent = [of("arm64"), of("arm", "v6"), of("arm", "v7"), of("amd64"), of("amd64", "v3")];
  const wanted: [platform: string, expected: number][] = [
    ["linux/amd64", 3],
    ["linux/amd64/v3", 4],
    ["linux/arm64", 0],
    ["linux/arm/v6", 1],
    ["linux/arm/v8", 2],
  ];
  for (const [platform, expected] of wanted) {
    it(`finds ${platform} by the configs`, async () => {
      const content = new ImageContent();
      const entries = silent.map((it) => content.image(it));
      for (const root of [
        content.index(entries),
        content.index(entries.map((it) => entry(it, { os: "", architecture: "" }))),
        content.index(entries.map((it) => entry(it, undefined, { mediaType: undefined }))),
        content.index([content.index(entries.slice(0, 2)), content.index(entries.slice(2))]),
      ]) {
        const image = await resolve(content, root, platform);
        assert.equal(image.digest, entries[expected]!.digest);
      }
    });
  }

  it("lists the platforms in the configs if none suits", async () => {
    const content = new ImageContent();
    const root = content.index([content.image(arm64), entry(content.image(armv7), armv7)]);
    await assert.rejects(
      resolve(content, root, "linux/amd64"),
      failsWith("PLATFORM_NOT_FOUND", /only for linux\/arm\/v7, linux\/arm64\/v8\./),
    );
  });

  it("believes inner configs rather than the platform of an inner index", async () => {
    const content = new ImageContent();
    const [one, other] = [content.image(amd64), content.image(arm64)];
    const root = content.index([entry(content.index([one, other]), amd64)]);
    assert.equal((await resolve(content, root, "linux/amd64")).digest, one.digest);
    assert.equal((await resolve(content, root, "linux/arm64")).digest, other.digest);
  });

  it("skips artifacts and attestations", async () => {
    const content = new ImageContent();
    const artifact = content.manifest({ config: content.add({}, "application/x"), layers: [] });
    const attestation = content.image(unknownPlatform, ["in-toto"]);
    const image = content.image(amd64);
    const root = content.index([artifact, attestation, content.image(arm64), image]);
    assert.equal((await resolve(content, root, "linux/amd64")).digest, image.digest);
    const nothing = content.index([artifact, attestation]);
    const error = failsWith("PLATFORM_NOT_FOUND", /no known platform/);
    await assert.rejects(resolve(content, nothing, "linux/amd64"), error);
  });

  it("reads none if another entry has the platform", async () => {
    const content = new ImageContent();
    const absent = content.image(arm64);
    content.blobs.delete(absent.digest);
    const image = content.image(amd64);
    const root = content.index([absent, entry(image, amd64)]);
    assert.equal((await resolve(content, root, "linux/amd64")).digest, image.digest);
  });

  const crowd = (content: ImageContent, last: Pointer) => {
    const others = Array.from({ length: 100 }, (_, i) => content.image(arm64, [`${i}`]));
    return [...others, last];
  };

  it("reads no more than a hundred", async () => {
    const content = new ImageContent();
    const root = content.index(crowd(content, content.image(amd64)));
    const error = failsWith("MANIFEST_INVALID", /more than 100 manifests without a platform/);
    await assert.rejects(resolve(content, root, "linux/amd64"), error);
  });

  it("stops at the first that matches exactly", async () => {
    const content = new ImageContent();
    const image = content.image(amd64);
    const root = content.index([image, ...crowd(content, content.image(amd64, ["another"]))]);
    assert.equal((await resolve(content, root, "linux/amd64")).digest, image.digest);
  });
});

// OCI image spec 1.1, descriptor.md: the artifactType of an entry is the one of its manifest.
describe("resolveImage, for an index entry with an artifact type,", () => {
  const artifactType = "application/vnd.example.bootable";
  for (const platform of [amd64, undefined]) {
    it(`takes it if it is an image ${platform ? "with" : "without"} a platform`, async () => {
      const content = new ImageContent();
      const image = content.image(amd64, ["it"], { artifactType });
      const sbom = content.manifest({ config: content.add({}, "application/x"), artifactType });
      for (const others of [[], [entry(sbom, amd64, { artifactType })], [content.image(arm64)]]) {
        const root = content.index([...others, entry(image, platform, { artifactType })]);
        assert.equal((await resolve(content, root, "linux/amd64")).digest, image.digest);
      }
    });
  }

  it("says what it is if it is the only one, and not an image", async () => {
    const content = new ImageContent();
    const sbom = content.manifest({ config: content.add({}, "application/x"), artifactType });
    const root = content.index([entry(sbom, amd64, { artifactType })]);
    const error = failsWith("NOT_AN_IMAGE", /vnd\.example\.bootable/);
    await assert.rejects(resolve(content, root, "linux/amd64"), error);
  });
});
