import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  formatReference,
  isDigest,
  OciClientError,
  parseChallenges,
  parseImageConfig,
  parseManifest,
  parsePlatform,
  parseReference,
} from "../../src/oci-client/index.js";

const someDigest = `sha256:${"0f".repeat(32)}`;
const manifestText = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: someDigest, size: 2 },
  layers: [
    { mediaType: "x", digest: someDigest, size: 3, urls: ["https://x"], annotations: { a: "b" } },
  ],
});
const indexText = JSON.stringify({
  schemaVersion: 2,
  manifests: [
    {
      mediaType: "x",
      digest: someDigest,
      size: 1,
      platform: { os: "linux", architecture: "arm", variant: "v7" },
    },
  ],
});
const config = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [someDigest] },
  history: [{ created: "2024-01-01T00:00:00Z", empty_layer: true }],
  config: { Labels: { a: "b" }, Env: ["A=B"] },
});
const challengeHeader =
  'Basic realm="a \\"b\\"", Bearer realm="https://x/y",service=z,scope="a:b:c,d", Neg abc==';
const referenceText = `registry.example:5000/a-b/c__d.e:v1.2-3@${someDigest}`;

/** `text` with some of its characters removed, repeated, or replaced. */
function mutated(text: string): fc.Arbitrary<string> {
  const edit = fc.tuple(
    fc.nat(text.length),
    fc.nat(8),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  return fc
    .array(edit, { minLength: 1, maxLength: 5 })
    .map((edits) =>
      edits.reduce(
        (current, [at, length, insert]) =>
          current.slice(0, at) + insert + current.slice(at + length),
        text,
      ),
    );
}

/** A value like `example`, with any part replaced by other JSON. */
function altered(example: unknown): fc.Arbitrary<unknown> {
  const anything = fc.jsonValue({ maxDepth: 2 });
  if (Array.isArray(example)) {
    const items = example.map(altered);
    return fc.oneof({ weight: 9, arbitrary: fc.tuple(...items) }, anything);
  }
  if (typeof example === "object" && example !== null) {
    const members = Object.entries(example).map(([key, value]) => [key, altered(value)]);
    const record = fc.record(Object.fromEntries(members), { requiredKeys: [] });
    return fc.oneof({ weight: 19, arbitrary: record }, anything);
  }
  return fc.oneof({ weight: 9, arbitrary: fc.constant(example) }, anything);
}

function throwsOnlyClientErrors(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof OciClientError, String(error));
    assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}\p{Cs}]/u);
    assert.ok(error.message.length < 500);
  }
}

const texts: [name: string, parse: (text: string) => unknown, example: string][] = [
  ["parseReference", parseReference, referenceText],
  ["parsePlatform", parsePlatform, "linux/arm/v7"],
  ["parseChallenges", parseChallenges, challengeHeader],
];

const documents: [name: string, parse: (bytes: Uint8Array) => unknown, example: string][] = [
  ["parseManifest on a manifest", parseManifest, manifestText],
  ["parseManifest on an index", parseManifest, indexText],
  ["parseImageConfig", parseImageConfig, config],
];

describe("for any input", () => {
  for (const [name, parse, example] of texts) {
    it(`${name} throws only its own errors`, () => {
      const any = fc.oneof(mutated(example), fc.string({ unit: "binary", maxLength: 2000 }));
      fc.assert(
        fc.property(any, (text) => throwsOnlyClientErrors(() => parse(text))),
        { numRuns: 2000 },
      );
    });
  }

  for (const [name, parse, example] of documents) {
    it(`${name} throws only its own errors`, () => {
      const any = fc.oneof(
        mutated(example).map((text) => Buffer.from(text)),
        altered(JSON.parse(example)).map((value) => Buffer.from(JSON.stringify(value))),
        fc.uint8Array({ maxLength: 500 }),
      );
      fc.assert(
        fc.property(any, (bytes) => throwsOnlyClientErrors(() => parse(bytes))),
        { numRuns: 2000 },
      );
    });
  }

  it("parseReference accepts only what formatReference reproduces", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,4}([._-][a-z0-9]{1,4})?$/);
    const reference = fc.record(
      {
        registry: fc.constantFrom(
          "docker.io",
          "quay.io",
          "localhost:5000",
          "[::1]:5000",
          "10.0.0.1",
        ),
        repository: fc.tuple(part, part).map((parts) => parts.join("/")),
        tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
        digest: fc.constant(someDigest),
      },
      { requiredKeys: ["registry", "repository", "tag"] },
    );
    fc.assert(
      fc.property(reference, (expected) => {
        assert.deepEqual(parseReference(formatReference(expected)), { ...expected });
      }),
    );
  });

  it("accepted descriptors have integer sizes and valid digests", () => {
    const any = altered(JSON.parse(manifestText)).map((value) =>
      Buffer.from(JSON.stringify(value)),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        throwsOnlyClientErrors(() => {
          const parsed = parseManifest(bytes);
          for (const { size, digest } of parsed.kind === "index"
            ? parsed.manifests
            : parsed.layers) {
            assert.ok(Number.isSafeInteger(size) && size >= 0);
            assert.ok(isDigest(digest));
          }
        });
      }),
      { numRuns: 1000 },
    );
  });

  const long: [name: string, text: string][] = [
    ["dashes", "-".repeat(1_000_000)],
    ["separated letters", "a-".repeat(500_000)],
    ["dots", `a${".a".repeat(500_000)}`],
    ["quotes", `Bearer ${'a="'.repeat(300_000)}`],
    ["backslashes", `Bearer a="${"\\".repeat(1_000_000)}`],
    ["equals signs", `Bearer ${"a".repeat(30_000)}${"=".repeat(900_000)}x`],
    ["commas", ",".repeat(1_000_000)],
  ];
  for (const [name, text] of long) {
    it(`a megabyte of ${name} is processed quickly`, () => {
      const begun = performance.now();
      for (const [, parse] of texts) throwsOnlyClientErrors(() => parse(text));
      for (const [, parse] of documents) throwsOnlyClientErrors(() => parse(Buffer.from(text)));
      assert.ok(performance.now() - begun < 2000);
    });
  }
});
