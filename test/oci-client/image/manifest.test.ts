import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  assertImage,
  type Manifest,
  type OciClientErrorCode,
  parseImageConfig,
  parseManifest,
} from "../../../src/oci-client/index.js";
import { failsWith } from "../support/fails-with.js";

const someDigest = `sha256:${"0f".repeat(32)}`;
const ociManifestType = "application/vnd.oci.image.manifest.v1+json";
const ociIndexType = "application/vnd.oci.image.index.v1+json";
const dockerManifestType = "application/vnd.docker.distribution.manifest.v2+json";
const dockerListType = "application/vnd.docker.distribution.manifest.list.v2+json";
const ociConfigType = "application/vnd.oci.image.config.v1+json";

const config = { mediaType: ociConfigType, digest: someDigest, size: 2 };
const layer = {
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest: someDigest,
  size: Number.MAX_SAFE_INTEGER,
};
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ ...config, mediaType: ociManifestType }] };

function bytes(document: unknown): Uint8Array {
  return Buffer.from(typeof document === "string" ? document : JSON.stringify(document));
}

describe("parseManifest", () => {
  // Go's encoders write an empty list as null; moby/moby#47210.
  it("reads an index whose list is null by its media type or its header", () => {
    const document = { schemaVersion: 2, manifests: null };
    for (const parsed of [
      parseManifest(bytes({ ...document, mediaType: ociIndexType })),
      parseManifest(bytes(document), { mediaType: ociIndexType }),
    ]) {
      assert.deepEqual(parsed, { kind: "index", mediaType: ociIndexType, manifests: [] });
    }
  });

  const types: [name: string, document: object, header: string | undefined, expected: string][] = [
    [
      "an OCI manifest by its media type",
      { ...manifest, mediaType: ociManifestType },
      undefined,
      ociManifestType,
    ],
    [
      "a Docker manifest by its media type",
      { ...manifest, mediaType: dockerManifestType },
      undefined,
      dockerManifestType,
    ],
    ["a manifest by its header", manifest, dockerManifestType, dockerManifestType],
    ["a manifest by its members", manifest, undefined, ociManifestType],
    ["a manifest with an unspecific header", manifest, "text/plain", ociManifestType],
    ["a manifest with a wrong header", manifest, ociIndexType, ociManifestType],
    [
      "an OCI index by its media type",
      { ...index, mediaType: ociIndexType },
      undefined,
      ociIndexType,
    ],
    [
      "a Docker list by its media type",
      { ...index, mediaType: dockerListType },
      undefined,
      dockerListType,
    ],
    ["an index by its members", index, undefined, ociIndexType],
  ];
  for (const [name, document, mediaType, expected] of types) {
    it(`recognizes ${name}`, () => {
      const parsed = parseManifest(bytes(document), { mediaType });
      assert.equal(parsed.mediaType, expected);
      assert.equal(parsed.kind, "manifests" in document ? "index" : "manifest");
    });
  }

  it("keeps the members of descriptors", () => {
    const descriptor = {
      ...layer,
      platform: { os: "linux", architecture: "arm", variant: "v7" },
      annotations: { a: "b" },
      urls: ["https://layers.example/x"],
    };
    const parsed = parseManifest(
      bytes({ ...manifest, layers: [descriptor], annotations: { c: "d" } }),
    );
    assert.deepEqual(parsed, {
      kind: "manifest",
      mediaType: ociManifestType,
      config,
      layers: [descriptor],
      annotations: { c: "d" },
    });
  });

  it("reads null as absent, as Go writes it", () => {
    const document = {
      ...manifest,
      layers: null,
      annotations: null,
      config: { ...config, urls: null },
    };
    assert.deepEqual(parseManifest(bytes(document)), {
      kind: "manifest",
      mediaType: ociManifestType,
      config,
      layers: [],
    });
  });

  const sized = (size: unknown) => ({ ...manifest, layers: [{ ...layer, size }] });
  const refused: [name: string, document: unknown, code: OciClientErrorCode][] = [
    ["nothing", "", "MANIFEST_INVALID"],
    ["text other than JSON", "<html>", "MANIFEST_INVALID"],
    ["null", "null", "MANIFEST_INVALID"],
    ["a list", [], "MANIFEST_INVALID"],
    ["an unknown version", { ...manifest, schemaVersion: 3 }, "MANIFEST_INVALID"],
    ["no version", { config, layers: [layer] }, "MANIFEST_INVALID"],
    ["neither kind", { schemaVersion: 2 }, "MANIFEST_INVALID"],
    ["both kinds together", { ...manifest, ...index }, "MANIFEST_INVALID"],
    [
      "an index with the media type of a manifest",
      { ...index, mediaType: ociManifestType },
      "MANIFEST_INVALID",
    ],
    ["a negative size", sized(-1), "MANIFEST_INVALID"],
    ["a fractional size", sized(1.5), "MANIFEST_INVALID"],
    ["a size as a string", sized("12"), "MANIFEST_INVALID"],
    ["a size of 2^53", sized(2 ** 53), "MANIFEST_INVALID"],
    [
      "a digest that would escape from a path",
      { ...manifest, config: { ...config, digest: "sha256:../../x" } },
      "MANIFEST_INVALID",
    ],
    ["1001 layers", { ...manifest, layers: Array(1001).fill(layer) }, "MANIFEST_INVALID"],
    ["unclosed brackets", "[".repeat(1_000_000), "MANIFEST_INVALID"],
    ["more than 4 MiB", " ".repeat(4 * 1024 * 1024 + 1), "MANIFEST_TOO_LARGE"],
    [
      "schema 1",
      { schemaVersion: 1, name: "a/b", tag: "v1", fsLayers: [], history: [] },
      "MANIFEST_SCHEMA1",
    ],
  ];
  for (const [name, document, code] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseManifest(bytes(document)), failsWith(code));
    });
  }

  it("refuses bytes that are not UTF-8", () => {
    const broken = Buffer.concat([bytes('{"a":"'), Buffer.from([0xff]), bytes('"}')]);
    assert.throws(() => parseManifest(broken), failsWith("MANIFEST_INVALID"));
  });

  it("names the invalid member", () => {
    assert.throws(
      () => parseManifest(bytes(sized(-1))),
      failsWith("MANIFEST_INVALID", /layers\.0\.size/),
    );
  });
});

describe("assertImage", () => {
  function withConfig(mediaType: string, artifactType?: string): Manifest {
    const parsed = parseManifest(
      bytes({ ...manifest, config: { ...config, mediaType }, artifactType }),
    );
    assert.equal(parsed.kind, "manifest");
    return parsed as Manifest;
  }
  const images = [ociConfigType, "application/vnd.docker.container.image.v1+json"];
  for (const type of images) {
    it(`accepts a config of the type ${type}`, () => assertImage(withConfig(type)));
  }

  // OCI image spec 1.1, manifest.md: the member is optional, whatever the type of the config.
  it("accepts an image that has an artifact type as well", () => {
    assertImage(withConfig(ociConfigType, "application/vnd.example.bootable"));
  });

  /** moby, distribution/registry.go: what Docker accepts for configs of schema 2 manifests. */
  const mistaken = ["application/octet-stream", "application/json", "text/html", "", undefined];
  for (const mediaType of mistaken) {
    const document = { ...manifest, config: { ...config, mediaType } };
    const name = mediaType === undefined ? "no media type" : `the media type "${mediaType}"`;

    it(`accepts a config with ${name} in a schema 2 manifest`, () => {
      const ofDocker = parseManifest(bytes({ ...document, mediaType: dockerManifestType }));
      const untyped = parseManifest(bytes({ ...document, mediaType: undefined }), {
        mediaType: dockerManifestType,
      });
      for (const parsed of [ofDocker, untyped]) assertImage(parsed as Manifest);
    });

    it(`refuses a config with ${name} in an OCI manifest`, () => {
      const parsed = parseManifest(bytes({ ...document, mediaType: ociManifestType }));
      const words = new RegExp(`config ${mediaType ? `of the type ${mediaType}` : "has no media"}`);
      assert.throws(() => assertImage(parsed as Manifest), failsWith("NOT_AN_IMAGE", words));
    });
  }

  /** What cosign sign, cosign attest, and BuildKit write beside an image. */
  const documents = [
    "application/vnd.dev.cosign.simplesigning.v1+json",
    "application/vnd.dsse.envelope.v1+json",
    "application/vnd.in-toto+json",
    "application/json",
    "text/spdx",
  ];
  for (const mediaType of documents) {
    it(`refuses the config of an image if all layers are of the type ${mediaType}`, () => {
      const document = { ...layer, mediaType };
      const parsed = parseManifest(bytes({ ...manifest, layers: [document, document] }));
      const words = new RegExp(`layers of the type ${mediaType.replace("+", "\\+")}`);
      assert.throws(() => assertImage(parsed as Manifest), failsWith("NOT_AN_IMAGE", words));
      const mixed = parseManifest(bytes({ ...manifest, layers: [document, layer] }));
      assertImage(mixed as Manifest);
    });
  }

  const others: [type: string, artifactType: string | undefined, words: RegExp][] = [
    ["application/vnd.cncf.helm.config.v1+json", undefined, /Helm chart/],
    ["application/vnd.oci.empty.v1+json", "application/vnd.example.sbom", /vnd\.example\.sbom/],
    ["application/vnd.oci.empty.v1+json", undefined, /without a config/],
    ["application/vnd.unknown.config.v1+json", undefined, /vnd\.unknown\.config/],
    ["a\u001b[2Jb", undefined, /a\uFFFD\[2Jb/],
  ];
  for (const [type, artifactType, words] of others) {
    it(`refuses an artifact and names it: ${words.source}`, () => {
      assert.throws(
        () => assertImage(withConfig(type, artifactType)),
        failsWith("NOT_AN_IMAGE", words),
      );
    });
  }
});

describe("parseImageConfig", () => {
  const minimal = {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [someDigest] },
  };

  it("reads the known members and omits others", () => {
    const document = {
      ...minimal,
      created: "2024-01-02T03:04:05.678Z",
      author: "somebody",
      history: [{ created_by: "/bin/sh -c #(nop) CMD", empty_layer: true, comment: "x" }],
      config: { Labels: { a: "b" }, Env: ["PATH=/bin"], Cmd: ["sh"] },
    };
    assert.deepEqual(parseImageConfig(bytes(document)), {
      architecture: "amd64",
      os: "linux",
      created: "2024-01-02T03:04:05.678Z",
      rootfs: { diff_ids: [someDigest] },
      history: [{ created_by: "/bin/sh -c #(nop) CMD", empty_layer: true }],
      config: { Labels: { a: "b" }, Env: ["PATH=/bin"] },
    });
  });

  it("reads null as absent, as builders write it", () => {
    const document = {
      ...minimal,
      created: null,
      variant: null,
      history: null,
      rootfs: { diff_ids: null },
      config: { Labels: null, Env: null },
    };
    assert.deepEqual(parseImageConfig(bytes(document)), {
      architecture: "amd64",
      os: "linux",
      rootfs: { diff_ids: [] },
      config: {},
    });
  });

  it("reads a config that does not say its platform", () => {
    const { rootfs } = minimal;
    const expected = { rootfs: { diff_ids: [someDigest] } };
    assert.deepEqual(parseImageConfig(bytes({ rootfs })), expected);
    assert.deepEqual(parseImageConfig(bytes({ rootfs, os: null, architecture: null })), expected);
  });

  const refused: [name: string, document: unknown][] = [
    ["nothing", ""],
    ["no rootfs", { architecture: "amd64", os: "linux" }],
    ["an architecture that is not a text", { ...minimal, architecture: 64 }],
    ["an invalid digest of a layer", { ...minimal, rootfs: { diff_ids: ["x"] } }],
  ];
  for (const [name, document] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseImageConfig(bytes(document)), failsWith("MANIFEST_INVALID"));
    });
  }
});
