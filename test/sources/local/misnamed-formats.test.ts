import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { NetbootError } from "../../../src/support/index.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent, ociIndexType } from "../../oci-client/support/image-content.js";
import { tar } from "../../support/tar-builder.js";
import { resolveReference } from "../support/resolve-reference.js";

const content = new ImageContent();
const image = content.image({ os: "linux", architecture: "amd64" }, ["one", "two"]);
const { config, layers } = content.json(image);

type Files = Readonly<Record<string, unknown>>;

const blob = ({ digest }: { digest: string }) => `blobs/${digest.replace(":", "/")}`;
const blobs: Files = Object.fromEntries(
  [...content.blobs].map(([digest, bytes]) => [blob({ digest }), bytes]),
);
const layout: Files = {
  ...blobs,
  "oci-layout": { imageLayoutVersion: "1.0.0" },
  "index.json": { schemaVersion: 2, mediaType: ociIndexType, manifests: [image] },
};
const [first, second] = layers.map(blob);
const saved = { Config: blob(config), RepoTags: ["os:v1"], Layers: [first, second] };
const dockerSave: Files = { ...blobs, "manifest.json": [saved] };
/** docker save of Docker 25, by tag and (moby/moby#47210) by digest. */
const docker25: Files = { ...layout, ...dockerSave };
const byDigest: Files = {
  ...docker25,
  "index.json": { schemaVersion: 2, mediaType: ociIndexType, manifests: null },
};
const byDigestWithoutType: Files = {
  ...docker25,
  "index.json": { schemaVersion: 2, manifests: null },
};
const skopeoDir: Files = { version: "x", "manifest.json": content.json(image) };

interface Case {
  readonly name: string;
  /** A directory if the transport ends with a slash, otherwise an archive. */
  readonly files: Files;
  readonly reference: string;
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly code?: string;
}

const pack =
  /unpacked archive of docker save; pack it with tar -C PATH -cf FILE \. and write docker-archive:FILE/;

const cases: readonly Case[] = [
  {
    name: "an unpacked archive of docker save as dir:",
    files: dockerSave,
    reference: "dir:PATH/",
    message: /not a directory that skopeo wrote/,
    hint: pack,
  },
  {
    name: "an unpacked archive of Docker 25 as dir:",
    files: docker25,
    reference: "dir:PATH/",
    message: /not a directory that skopeo wrote/,
    hint: pack,
  },
  {
    name: "an unpacked archive of docker save as oci:",
    files: dockerSave,
    reference: "oci:PATH/",
    message: /index\.json cannot be read/,
    hint: pack,
  },
  {
    name: "an unpacked archive of docker save as docker-archive:",
    files: dockerSave,
    reference: "docker-archive:PATH/",
    message: /is a directory/,
    hint: pack,
  },
  ...[byDigest, byDigestWithoutType].flatMap((files): Case[] => [
    {
      name: "an archive of Docker 25 without an index as oci-archive:",
      files,
      reference: "oci-archive:PATH",
      message: /index\.json of the OCI archive PATH lists no image/,
      hint: /docker save wrote this archive; write docker-archive:PATH$/,
    },
    {
      name: "an archive of Docker 25 without an index as oci-archive: with a tag",
      files,
      reference: "oci-archive:PATH:v1",
      message: /lists no image/,
      hint: /write docker-archive:PATH$/,
    },
    {
      name: "an unpacked archive of Docker 25 without an index as oci:",
      files,
      reference: "oci:PATH/",
      message: /lists no image/,
      hint: pack,
    },
  ]),
  {
    name: "an archive of docker save as oci-archive:",
    files: dockerSave,
    reference: "oci-archive:PATH",
    message: /index\.json cannot be read/,
    hint: /write docker-archive:PATH$/,
  },
  {
    name: "a directory of skopeo as oci:",
    files: skopeoDir,
    reference: "oci:PATH/",
    message: /index\.json cannot be read/,
    hint: /skopeo wrote this directory; write dir:PATH/,
  },
  {
    name: "a directory of skopeo in an archive as docker-archive:",
    files: skopeoDir,
    reference: "docker-archive:PATH",
    message: /not a list of images/,
    hint: /unpack the archive and write dir:DIR/,
  },
  {
    name: "a directory of skopeo in an archive as oci-archive:",
    files: skopeoDir,
    reference: "oci-archive:PATH",
    message: /index\.json cannot be read/,
    hint: /unpack it and write dir:DIR/,
  },
  {
    name: "a layout as dir:",
    files: layout,
    reference: "dir:PATH/",
    message: /manifest\.json cannot be read/,
    hint: /It is an OCI layout; write oci:PATH/,
  },
  {
    name: "a layout as oci-archive:",
    files: layout,
    reference: "oci-archive:PATH/",
    message: /is a directory/,
    hint: /It is an OCI layout; write oci:PATH/,
  },
  {
    name: "a layout in an archive as docker-archive:",
    files: layout,
    reference: "docker-archive:PATH",
    message: /contains no manifest\.json/,
    hint: /It is an OCI archive; write oci-archive:PATH/,
  },
  ...["oci", "dir"].map((transport) => ({
    name: `an archive as ${transport}:`,
    files: layout,
    reference: `${transport}:PATH`,
    message: /ENOTDIR/,
    hint: /It is a file; write oci-archive:PATH, or docker-archive:PATH/,
  })),
];

/** Archives that whoever saved them left something out of: podman-container-tools/podman#8132. */
const incomplete: [name: string, image: object, message: RegExp][] = [
  [
    "an empty path for a layer",
    { ...saved, Layers: ["", second] },
    /lacks layer 1 of 2: .*names no/,
  ],
  ["null for a layer", { ...saved, Layers: [first, null] }, /lacks layer 2 of 2: .*names no/],
  [
    "the path of a missing layer",
    { ...saved, Layers: [first, "x/layer.tar"] },
    /lacks layer 2 of 2: the file x\/layer\.tar/,
  ],
  [
    "an empty path for the configuration",
    { ...saved, Config: "" },
    /lacks the image's configuration: .*names no/,
  ],
];

describe("the error says what to write instead for", () => {
  for (const { name, files, reference, message, hint, code } of [
    ...cases,
    ...incomplete.map(([what, image, words]) => ({
      name: `an archive of docker save with ${what}`,
      files: { ...dockerSave, "manifest.json": [image] },
      reference: "docker-archive:PATH",
      code: "BLOB_NOT_FOUND",
      message: words,
      hint: /Save the complete image/,
    })),
  ] satisfies Case[]) {
    it(name, async () => {
      const { path, full } = await write(files, reference);
      await assert.rejects(resolveReference(full), (error) => {
        assert.ok(error instanceof NetbootError, String(error));
        assert.match(error.message.replaceAll(path, "PATH"), message);
        assert.match(error.hint.replaceAll(path, "PATH"), hint);
        assert.equal(error.code, code ?? "LAYOUT_INVALID");
        return true;
      });
    });
  }
});

describe("a name of two images in an archive of docker save", () => {
  const other = content.image({ os: "linux", architecture: "amd64" }, ["other"]);
  const rival = {
    Config: blob(content.json(other).config),
    RepoTags: ["os:v1"],
    Layers: content.json(other).layers.map(blob),
  };
  const files: Files = {
    ...dockerSave,
    [rival.Config]: content.bytes(content.json(other).config),
    "manifest.json": [saved, rival, { ...saved, RepoTags: ["os:v2"] }],
  };

  it("is ambiguous, and a number selects one of them", async () => {
    const { path, full } = await write(files, "docker-archive:PATH");
    await assert.rejects(resolveReference(`${full}:os:v1`), (error) => {
      assert.ok(error instanceof NetbootError, String(error));
      assert.match(error.message, /2 different images named docker\.io\/library\/os:v1/);
      const expected = "Select one by its number: docker-archive:PATH:@0, docker-archive:PATH:@1.";
      assert.equal(error.hint.replaceAll(path, "PATH"), expected);
      return true;
    });
    await assert.rejects(resolveReference(full), /several images: @0, @1, os:v2\./);
    assert.equal((await resolveReference(`${full}:@0`)).manifest.layers.length, 2);
  });
});

/** @returns the path, and the reference with it */
async function write(files: Files, reference: string) {
  const path = join(await temporaryDirectory(), "image");
  const entries = Object.entries(files).map(([name, value]) => ({
    name,
    content: Buffer.isBuffer(value) ? value : JSON.stringify(value),
  }));
  if (reference.endsWith("/")) {
    for (const entry of entries) {
      await mkdir(dirname(join(path, entry.name)), { recursive: true });
      await writeFile(join(path, entry.name), entry.content);
    }
  } else {
    await writeFile(path, tar(entries));
  }
  return { path, full: reference.replace(/\/$/, "").replace("PATH", path) };
}
