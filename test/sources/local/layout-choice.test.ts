import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { NetbootError } from "../../../src/support/index.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import {
  ImageContent,
  ociIndexType,
  type Pointer,
} from "../../oci-client/support/image-content.js";
import { resolveReference } from "../support/resolve-reference.js";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const armv6 = { os: "linux", architecture: "arm", variant: "v6" };
const armv7 = { os: "linux", architecture: "arm", variant: "v7" };

const content = new ImageContent();
const [x, y] = [content.image(amd64, ["x"]), content.image(amd64, ["y"])];
const onArm64 = content.image(arm64);
const [onArmv6, onArmv7] = [content.image(armv6), content.image(armv7)];
const silent = content.image({}, ["silent"]);
const indexOfX = content.index([
  { ...x, platform: amd64 },
  { ...onArm64, platform: arm64 },
]);
const artifact = content.manifest({ config: content.add({}, "application/x"), layers: [] });

interface Names {
  /** `org.opencontainers.image.ref.name`. */
  tag?: string;
  /** `io.containerd.image.name`. */
  full?: string;
  platform?: object;
}

/** An entry of index.json. `ctr images export` and docker save write both names. */
function entry(pointer: Pointer, { tag, full, platform }: Names = {}): Pointer {
  return {
    ...pointer,
    ...(platform && { platform }),
    annotations: {
      ...(tag && { "org.opencontainers.image.ref.name": tag }),
      ...(full && { "io.containerd.image.name": full }),
    },
  };
}

const named = [
  entry(x, { tag: "v1", full: "quay.io/kairos/x:v1" }),
  entry(y, { tag: "v1", full: "quay.io/kairos/y:v1" }),
];

interface Case {
  readonly name: string;
  readonly entries: Pointer[];
  /** What follows the path. */
  readonly suffix?: string;
  readonly platform?: string;
  /** The image, or the error. DIR in the hint is the path. */
  readonly expected: Pointer | { code: string; message: RegExp; hint: string };
}

const ambiguous = (message: RegExp, hint: string) => ({ code: "LAYOUT_INVALID", message, hint });

const cases: readonly Case[] = [
  {
    name: "a tag of two images is ambiguous, and the hint lists their full names",
    entries: named,
    suffix: ":v1",
    expected: ambiguous(
      /2 different images named v1 for linux\/amd64/,
      "Select one: oci:DIR:quay.io/kairos/x:v1, oci:DIR:quay.io/kairos/y:v1.",
    ),
  },
  {
    name: "two images with the same tag and no full names are listed by their digests",
    entries: [entry(x, { tag: "v1" }), entry(y, { tag: "v1" })],
    suffix: ":v1",
    expected: ambiguous(
      /2 different images named v1/,
      `Select one: oci:DIR@${x.digest}, oci:DIR@${y.digest}.`,
    ),
  },
  {
    name: "two images with both names in common are listed by their digests",
    entries: [x, y].map((it) => entry(it, { tag: "v1", full: "quay.io/kairos/x:v1" })),
    suffix: ":quay.io/kairos/x:v1",
    expected: ambiguous(
      /2 different images named quay\.io\/kairos\/x:v1/,
      `Select one: oci:DIR@${x.digest}, oci:DIR@${y.digest}.`,
    ),
  },
  {
    name: "of two images with the same tag, one of which has a unique name, each gets what it has",
    entries: [entry(x, { tag: "v1", full: "quay.io/kairos/x:v1" }), entry(y, { tag: "v1" })],
    suffix: ":v1",
    expected: ambiguous(
      /2 different images/,
      `Select one: oci:DIR:quay.io/kairos/x:v1, oci:DIR@${y.digest}.`,
    ),
  },
  { name: "the full name decides", entries: named, suffix: ":quay.io/kairos/y:v1", expected: y },
  {
    name: "a short name is completed",
    entries: [
      entry(x, { tag: "v1", full: "docker.io/library/x:v1" }),
      entry(y, { tag: "v1", full: "docker.io/library/y:v1" }),
    ],
    suffix: ":y:v1",
    expected: y,
  },
  {
    name: "the full name decides, even if it is another image's tag",
    entries: [
      entry(x, { tag: "quay.io/kairos/y:v1", full: "quay.io/kairos/x:v1" }),
      entry(y, { tag: "v1", full: "quay.io/kairos/y:v1" }),
    ],
    suffix: ":quay.io/kairos/y:v1",
    expected: y,
  },
  {
    name: "a digest decides",
    entries: named,
    suffix: `@${y.digest}`,
    expected: y,
  },
  {
    name: "a digest after a name decides",
    entries: named,
    suffix: `:quay.io/kairos/y:v1@${y.digest}`,
    expected: y,
  },
  {
    name: "a tag that names one image several times is not ambiguous",
    entries: [entry(x, { tag: "v1" }), entry(x, { tag: "v1" })],
    suffix: ":v1",
    expected: x,
  },
  {
    name: "one image with several names needs no name",
    entries: [entry(x, { tag: "v1" }), entry(x, { tag: "latest" })],
    expected: x,
  },
  {
    name: "an index and the manifest in it are one image",
    entries: [entry(indexOfX, { tag: "v1" }), entry(x, { tag: "v1" })],
    suffix: ":v1",
    expected: x,
  },
  ...[undefined, ":v1"].flatMap((suffix): Case[] => [
    {
      name: `the platform decides between entries that state it (${suffix})`,
      entries: [
        entry(onArm64, { tag: "v1", platform: arm64 }),
        entry(x, { tag: "v1", platform: amd64 }),
      ],
      ...(suffix && { suffix }),
      expected: x,
    },
    {
      name: `the platform decides between entries that do not state it (${suffix})`,
      entries: [onArm64, artifact, x].map((it) => entry(it, { tag: "v1" })),
      ...(suffix && { suffix }),
      expected: x,
    },
  ]),
  {
    name: "the platform decides between entries without a name",
    entries: [entry(onArm64), entry(x)],
    platform: "arm64",
    expected: onArm64,
  },
  // OCI image spec, image-layout.md, has such an index.json as its example.
  {
    name: "other content does not count",
    entries: [
      entry(x, { tag: "v1" }),
      entry(content.add({ is: "XML" }, "application/xml")),
      entry(silent, { platform: { os: "unknown", architecture: "unknown" } }),
    ],
    expected: x,
  },
  {
    name: "a layout of other content says what it holds",
    entries: [entry(artifact, { platform: { os: "unknown", architecture: "unknown" } })],
    expected: {
      code: "NOT_AN_IMAGE",
      message: /a config of the type application\/x/,
      hint: "Give the repository and tag of a container image.",
    },
  },
  {
    name: "the best variant counts",
    entries: [onArmv6, onArmv7].map((it) => entry(it, { tag: "v1" })),
    suffix: ":v1",
    platform: "linux/arm/v7",
    expected: onArmv7,
  },
  {
    name: "two images without a name are ambiguous if the platform does not decide",
    entries: [entry(x), entry(onArm64), entry(y)],
    expected: ambiguous(
      /2 different images for linux\/amd64/,
      `Select one: oci:DIR@${x.digest}, oci:DIR@${y.digest}.`,
    ),
  },
  {
    name: "an image that may have the platform is ambiguous beside one that has it",
    entries: [entry(x, { tag: "v1", platform: amd64 }), entry(silent, { tag: "v1" })],
    suffix: ":v1",
    expected: ambiguous(
      /2 different images/,
      `Select one: oci:DIR@${x.digest}, oci:DIR@${silent.digest}.`,
    ),
  },
  {
    name: "if none of them is for the platform, their platforms are listed",
    entries: [
      entry(onArm64, { tag: "v1", platform: arm64 }),
      entry(onArmv7, { tag: "v1", platform: armv7 }),
    ],
    suffix: ":v1",
    expected: {
      code: "PLATFORM_NOT_FOUND",
      message: /only for linux\/arm64, linux\/arm\/v7/,
      hint: "Ask for one of these platforms.",
    },
  },
  {
    name: "without a tag, several names are listed, each only once",
    entries: [...named, entry(onArm64, { tag: "v2" }), entry(onArm64, { tag: "v2" })],
    expected: ambiguous(
      /contains several images: quay\.io\/kairos\/x:v1, quay\.io\/kairos\/y:v1, v2\./,
      "Select one, for example oci:DIR:quay.io/kairos/x:v1.",
    ),
  },
  {
    name: "an unknown tag lists names that are unique",
    entries: [
      ...named,
      entry(onArm64, { tag: "v2", platform: arm64 }),
      entry(onArmv7, { tag: "v2", platform: armv7 }),
    ],
    suffix: ":v3",
    expected: {
      code: "IMAGE_NOT_FOUND",
      message: /contains no image v3\./,
      hint: "It contains: quay.io/kairos/x:v1, quay.io/kairos/y:v1, v2.",
    },
  },
];

describe("in a layout,", () => {
  let directory: string;
  before(async () => {
    directory = join(await sharedDirectory(), "layout");
    await content.writeLayout(directory, x, "");
  });

  for (const { name, entries, suffix = "", platform = "amd64", expected } of cases) {
    it(name, async () => {
      const index = { schemaVersion: 2, mediaType: ociIndexType, manifests: entries };
      await writeFile(join(directory, "index.json"), JSON.stringify(index));
      const resolved = resolveReference(`oci:${directory}${suffix}`, platform);
      if ("digest" in expected) {
        assert.equal((await resolved).digest, expected.digest);
        return;
      }
      await assert.rejects(resolved, (error) => {
        assert.ok(error instanceof NetbootError, String(error));
        assert.match(error.message, expected.message);
        assert.equal(error.code, expected.code);
        assert.equal(error.hint.replaceAll(directory, "DIR"), expected.hint);
        return true;
      });
    });
  }
});
