import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { extract } from "../../../src/extract/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { baseName } from "../../extract/support/images.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { digestOf } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";
import { type ArchivePart, type TarItem, tar } from "../../support/tar-builder.js";
import { demoAs, pathOf } from "../support/copies.js";

const layer = tar(baseLayer);
const config = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
});
const image = { Config: "config.json", RepoTags: ["os:v1"], Layers: ["layer.tar"] };

/** What docker save writes of the image, with members that differ or are left out. */
function members(changes: Readonly<Record<string, TarItem | undefined>> = {}): TarItem[] {
  const usual: Record<string, TarItem | undefined> = {
    layer: { name: "layer.tar", content: layer },
    config: { name: "config.json", content: config },
    manifest: { name: "manifest.json", content: JSON.stringify([image]) },
  };
  return Object.values({ ...usual, ...changes }).filter((item) => item !== undefined);
}

function manifestOf(changes: Readonly<Record<string, unknown>>): TarItem {
  return { name: "manifest.json", content: JSON.stringify([{ ...image, ...changes }]) };
}

describe("an archive is accepted", () => {
  const cases: [name: string, parts: readonly ArchivePart[]][] = [
    ["in the form that docker save writes", members()],
    ["with ./ before each name", members().map((item) => ({ ...item, name: `./${item.name}` }))],
    [
      "with members that would lead outside, if nothing refers to them",
      [
        { name: "../manifest.json", content: "[]" },
        { name: "/manifest.json", content: "[]" },
        { name: "a/../../config.json", content: "{}" },
        { name: "evil", type: "symlink", link: "/etc/passwd" },
        { name: "device", type: "character-device", device: [1, 3] },
        ...members(),
      ],
    ],
    [
      "with a layer that is a link to a link",
      members({
        layer: { name: "a/layer", content: layer },
        more: { name: "b/layer", type: "symlink", link: "../a/./layer" },
        most: { name: "layer.tar", type: "hardlink", link: "b/layer" },
      }),
    ],
    ["with a gzip layer", members({ layer: { name: "layer.tar", content: gzipSync(layer) } })],
  ];
  for (const [name, parts] of cases) {
    it(name, async () => {
      const directory = await temporaryDirectory();
      const { description } = await run(await fileOf(tar(parts), { directory }));
      assert.equal(description.name, baseName);
      assert.deepEqual(await readdir(directory), ["image.tar"]);
    });
  }
});

describe("an archive is refused, and no file is left behind, if", () => {
  const cases: [name: string, parts: readonly ArchivePart[], code: string, message: RegExp][] = [
    [
      "its layer is a link to a file outside",
      members({ layer: { name: "layer.tar", type: "symlink", link: "../../etc/passwd" } }),
      "LAYOUT_INVALID",
      /link layer\.tar that leads outside/,
    ],
    [
      "its layer is an absolute link",
      members({ layer: { name: "layer.tar", type: "symlink", link: "/etc/passwd" } }),
      "LAYOUT_INVALID",
      /leads outside/,
    ],
    [
      "its layer is a hard link to a file outside",
      members({ layer: { name: "layer.tar", type: "hardlink", link: "../x" } }),
      "LAYOUT_INVALID",
      /leads outside/,
    ],
    [
      "links form a loop",
      members({
        layer: { name: "layer.tar", type: "symlink", link: "other" },
        other: { name: "other", type: "symlink", link: "layer.tar" },
      }),
      "BLOB_NOT_FOUND",
      /layer\.tar/,
    ],
    [
      "the name of a layer leads outside",
      members({ manifest: manifestOf({ Layers: ["../../etc/passwd"] }) }),
      "BLOB_NOT_FOUND",
      /\.\.\/etc\/passwd/,
    ],
    [
      "the name of the configuration is absolute",
      members({ manifest: manifestOf({ Config: "/etc/passwd" }) }),
      "BLOB_NOT_FOUND",
      /\/etc\/passwd/,
    ],
    [
      "it contains manifest.json twice",
      [...members(), { name: "./manifest.json", content: "[]" }],
      "LAYOUT_INVALID",
      /manifest\.json more than once/,
    ],
    [
      "it contains a layer twice",
      [...members(), { name: "layer.tar", content: "x" }],
      "LAYOUT_INVALID",
      /layer\.tar more than once/,
    ],
    [
      "it has too many members",
      [
        {
          raw: Buffer.alloc(
            512 * 100_001,
            tar([{ name: "d/", type: "directory" }]).subarray(0, 512),
          ),
        },
      ],
      "LAYOUT_INVALID",
      /more than 100000 members/,
    ],
    ["a layer is missing", members({ layer: undefined }), "BLOB_NOT_FOUND", /layer\.tar/],
    ["the configuration is missing", members({ config: undefined }), "BLOB_NOT_FOUND", /config/],
    ["manifest.json is missing", members({ manifest: undefined }), "LAYOUT_INVALID", /manifest/],
    ["it is empty", [], "LAYOUT_INVALID", /manifest\.json/],
    [
      "manifest.json is too large",
      members({ manifest: { name: "manifest.json", content: Buffer.alloc(5_000_000, " ") } }),
      "LAYOUT_INVALID",
      /too large/,
    ],
    [
      "manifest.json is not JSON",
      members({ manifest: { name: "manifest.json", content: "[" } }),
      "LAYOUT_INVALID",
      /not valid JSON/,
    ],
    [
      "manifest.json is another kind of JSON",
      members({ manifest: { name: "manifest.json", content: '{"a":1}' } }),
      "LAYOUT_INVALID",
      /is not a list of images/,
    ],
    [
      "it contains no image",
      members({ manifest: { name: "manifest.json", content: "[]" } }),
      "LAYOUT_INVALID",
      /contains no image/,
    ],
    [
      "it has fewer layers than its configuration says",
      members({ manifest: manifestOf({ Layers: null }) }),
      "LAYOUT_INVALID",
      /0 layers.* 1/,
    ],
    [
      "the layer has another diff ID",
      members({ layer: { name: "layer.tar", content: tar([]) } }),
      "LAYER_MISMATCH",
      /unpacks to/,
    ],
    [
      "the configuration does not match its name",
      members({
        config: { name: `${"0".repeat(64)}.json`, content: config },
        manifest: manifestOf({ Config: `${"0".repeat(64)}.json` }),
      }),
      "BLOB_MISMATCH",
      /0000/,
    ],
    [
      "the configuration is not valid",
      members({ config: { name: "config.json", content: "{}" } }),
      "MANIFEST_INVALID",
      /config/,
    ],
    [
      "a member claims more bytes than the archive has",
      members({ layer: { name: "layer.tar", content: layer, size: 1_000_000_000 } }),
      "LAYOUT_INVALID",
      /cut short/,
    ],
    [
      "a member is sparse",
      [{ name: "sparse", type: "S", content: "x" }, ...members()],
      "LAYOUT_INVALID",
      /sparse|damaged/,
    ],
  ];
  for (const [name, parts, code, message] of cases) {
    it(name, async () => {
      await assertRefused(await fileOf(tar(parts)), code, message);
    });
  }

  it("it is truncated at any place", async () => {
    const whole = tar(members());
    for (const length of [0, 1, 511, 512, 700, 1024, layer.length, whole.length - 1024]) {
      const reference = await fileOf(whole.subarray(0, length));
      await assertRefused(
        reference,
        "LAYOUT_INVALID",
        /cut short|truncated|neither|ends in the middle/,
      );
    }
  });

  it("it is compressed and truncated or damaged", async () => {
    const whole = gzipSync(tar(members()));
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 200, 400);
    for (const bytes of [whole.subarray(0, whole.length - 100), damaged]) {
      const reference = await fileOf(bytes);
      await assertRefused(
        reference,
        "LAYOUT_INVALID",
        /decompressed|cut short|truncated|damaged|neither|middle/,
      );
    }
  });

  it("it is compressed twice, or is not an archive", async () => {
    for (const bytes of [gzipSync(gzipSync(tar(members()))), Buffer.from("hello".repeat(500))]) {
      await assertRefused(await fileOf(bytes), "LAYOUT_INVALID", /neither a tar/);
    }
  });

  it("a blob of an OCI archive does not match its digest", async () => {
    const bytes = await readFile(pathOf(await demoAs("oci-archive")));
    const at = bytes.indexOf(Buffer.from([0x1f, 0x8b, 0x08]));
    bytes[at + 30]! ^= 1;
    const reference = await fileOf(bytes, { transport: "oci-archive" });
    await assertRefused(reference, "BLOB_MISMATCH", /blob/);
  });

  it("an OCI archive is truncated", async () => {
    const bytes = await readFile(pathOf(await demoAs("oci-archive")));
    const reference = await fileOf(bytes.subarray(0, 6000), { transport: "oci-archive" });
    await assertRefused(reference, "LAYOUT_INVALID", /cut short/);
  });

  for (const [kind, name] of [
    ["oci-archive", "docker-archive"],
    ["docker-archive", "oci-archive"],
    ["dir", "oci"],
  ] as const) {
    it(`its reference says ${name}: instead of ${kind}:, and the hint says so`, async () => {
      const reference = await demoAs(kind);
      const image = `${name}:${pathOf(reference)}`;
      const output = join(await temporaryDirectory(), "out");
      await assert.rejects(
        extract({ image, output, platform: "amd64" }),
        (error) => error instanceof NetbootError && error.hint.endsWith(reference),
      );
    });
  }

  it("it does not exist, or is a directory", async () => {
    for (const kind of ["oci-archive", "docker-archive"]) {
      await assertRefused(`${kind}:/nowhere/x.tar`, "LAYOUT_INVALID", /ENOENT/);
      await assertRefused(
        `${kind}:${await temporaryDirectory()}`,
        "LAYOUT_INVALID",
        /is a directory/,
      );
    }
    await assertRefused("dir:/nowhere", "LAYOUT_INVALID", /manifest\.json/);
  });
});

describe("a reference is refused before anything is read if", () => {
  const cases: [name: string, reference: string][] = [
    ["it selects an image of docker save by digest", `docker-archive:x.tar:os@${digestOf(layer)}`],
    ["the name of the image in an archive is invalid", "docker-archive:x.tar:NOT A NAME"],
    ["the name of the image in a daemon is invalid", "docker-daemon:../x"],
    ["nothing follows the transport", "oci-archive:"],
    ["it names podman's storage", "containers-storage:localhost/x"],
  ];
  for (const [name, reference] of cases) {
    it(name, () => assertRefused(reference, "REFERENCE_INVALID", /\w/));
  }
});

interface FileOptions {
  readonly directory?: string;
  readonly transport?: string;
}

async function fileOf(
  bytes: Buffer,
  { directory, transport = "docker-archive" }: FileOptions = {},
): Promise<string> {
  const path = join(directory ?? (await temporaryDirectory()), "image.tar");
  await writeFile(path, bytes);
  return `${transport}:${path}`;
}

async function run(reference: string, output?: string) {
  const place = output ?? join(await temporaryDirectory(), "out");
  return extract({ image: reference, output: place, platform: "amd64" });
}

async function assertRefused(reference: string, code: string, message: RegExp): Promise<void> {
  const directory = await temporaryDirectory();
  await assert.rejects(run(reference, join(directory, "out")), (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.hint, /\w/);
    return true;
  });
  assert.deepEqual(await readdir(directory), []);
}
