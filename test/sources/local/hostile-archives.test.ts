import assert from "node:assert/strict";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
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

describe("an archive is taken", () => {
  const cases: [name: string, parts: readonly ArchivePart[]][] = [
    ["as docker save writes it", members()],
    ["with ./ before its names", members().map((item) => ({ ...item, name: `./${item.name}` }))],
    [
      "whatever stands in it that would lead out, which is nobody's business",
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
      const { description } = await run(await fileOf(tar(parts), directory));
      assert.equal(description.name, baseName);
      assert.deepEqual(await readdir(directory), ["image.tar"]);
    });
  }
});

describe("an archive is refused, and nothing is left behind, where", () => {
  const cases: [name: string, parts: readonly ArchivePart[], code: string, message: RegExp][] = [
    [
      "its layer is a link out of it",
      members({ layer: { name: "layer.tar", type: "symlink", link: "../../etc/passwd" } }),
      "LAYOUT_INVALID",
      /link layer\.tar that leads out/,
    ],
    [
      "its layer is an absolute link",
      members({ layer: { name: "layer.tar", type: "symlink", link: "/etc/passwd" } }),
      "LAYOUT_INVALID",
      /leads out/,
    ],
    [
      "its layer is a hard link out of it",
      members({ layer: { name: "layer.tar", type: "hardlink", link: "../x" } }),
      "LAYOUT_INVALID",
      /leads out/,
    ],
    [
      "links go round in a circle",
      members({
        layer: { name: "layer.tar", type: "symlink", link: "other" },
        other: { name: "other", type: "symlink", link: "layer.tar" },
      }),
      "BLOB_NOT_FOUND",
      /layer\.tar/,
    ],
    [
      "a layer's name leads out of it",
      members({ manifest: manifestOf({ Layers: ["../../etc/passwd"] }) }),
      "BLOB_NOT_FOUND",
      /\.\.\/etc\/passwd/,
    ],
    [
      "the configuration's name is absolute",
      members({ manifest: manifestOf({ Config: "/etc/passwd" }) }),
      "BLOB_NOT_FOUND",
      /\/etc\/passwd/,
    ],
    [
      "manifest.json stands in it twice",
      [...members(), { name: "./manifest.json", content: "[]" }],
      "LAYOUT_INVALID",
      /manifest\.json more than once/,
    ],
    [
      "a layer stands in it twice",
      [...members(), { name: "layer.tar", content: "x" }],
      "LAYOUT_INVALID",
      /layer\.tar more than once/,
    ],
    [
      "it has more members than any",
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
      "manifest.json is larger than any",
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
      "manifest.json is something else",
      members({ manifest: { name: "manifest.json", content: '{"a":1}' } }),
      "LAYOUT_INVALID",
      /does not fit/,
    ],
    [
      "there is no image in it",
      members({ manifest: { name: "manifest.json", content: "[]" } }),
      "LAYOUT_INVALID",
      /holds no image/,
    ],
    [
      "it has fewer layers than its configuration says",
      members({ manifest: manifestOf({ Layers: null }) }),
      "LAYOUT_INVALID",
      /0 layers.* 1/,
    ],
    [
      "the layer is another one",
      members({ layer: { name: "layer.tar", content: tar([]) } }),
      "LAYER_MISMATCH",
      /unpacks to/,
    ],
    [
      "the configuration is not that of its name",
      members({
        config: { name: `${"0".repeat(64)}.json`, content: config },
        manifest: manifestOf({ Config: `${"0".repeat(64)}.json` }),
      }),
      "BLOB_MISMATCH",
      /0000/,
    ],
    [
      "the configuration is no configuration",
      members({ config: { name: "config.json", content: "{}" } }),
      "MANIFEST_INVALID",
      /config/,
    ],
    [
      "a member claims more bytes than there are",
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

  it("it is cut short anywhere", async () => {
    const whole = tar(members());
    for (const length of [0, 1, 511, 512, 700, 1024, layer.length, whole.length - 1024]) {
      const reference = await fileOf(whole.subarray(0, length));
      await assertRefused(reference, "LAYOUT_INVALID", /cut short|none|ends in the middle/);
    }
  });

  it("it is compressed and cut short, or damaged", async () => {
    const whole = gzipSync(tar(members()));
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 200, 400);
    for (const bytes of [whole.subarray(0, whole.length - 100), damaged]) {
      const reference = await fileOf(bytes);
      await assertRefused(
        reference,
        "LAYOUT_INVALID",
        /decompressed|cut short|damaged|none|middle/,
      );
    }
  });

  it("it is compressed twice, or no archive at all", async () => {
    for (const bytes of [gzipSync(gzipSync(tar(members()))), Buffer.from("hello".repeat(500))]) {
      await assertRefused(await fileOf(bytes), "LAYOUT_INVALID", /neither a tar/);
    }
  });

  it("a blob of an OCI archive has other bytes", async () => {
    const reference = await demoAs("oci-archive");
    const path = pathOf(reference);
    const bytes = await readFile(path);
    const at = bytes.indexOf(Buffer.from([0x1f, 0x8b, 0x08]));
    bytes[at + 30]! ^= 1;
    await writeFile(path, bytes);
    await assertRefused(reference, "BLOB_MISMATCH", /blob/);
  });

  it("an OCI archive has lost its end", async () => {
    const reference = await demoAs("oci-archive");
    await truncate(pathOf(reference), 6000);
    await assertRefused(reference, "LAYOUT_INVALID", /cut short/);
  });

  for (const [kind, name] of [
    ["oci-archive", "docker-archive"],
    ["docker-archive", "oci-archive"],
    ["dir", "oci"],
  ] as const) {
    it(`it is for ${kind}:, and called ${name}: the hint says what it is`, async () => {
      const reference = await demoAs(kind);
      const image = `${name}:${pathOf(reference)}`;
      const output = join(await temporaryDirectory(), "out");
      await assert.rejects(
        extract({ image, output, platform: "amd64" }),
        (error) => error instanceof NetbootError && error.hint.endsWith(reference),
      );
    });
  }

  it("it is not there, or a directory", async () => {
    for (const kind of ["oci-archive", "docker-archive"]) {
      await assertRefused(`${kind}:/nowhere/x.tar`, "LAYOUT_INVALID", /ENOENT/);
      await assertRefused(`${kind}:${await temporaryDirectory()}`, "LAYOUT_INVALID", /EISDIR/);
    }
    await assertRefused("dir:/nowhere", "LAYOUT_INVALID", /manifest\.json/);
  });
});

describe("a reference is refused at once where", () => {
  const cases: [name: string, reference: string][] = [
    ["a digest is asked of what docker save wrote", `docker-archive:x.tar:os@${digestOf(layer)}`],
    ["the name in an archive is none", "docker-archive:x.tar:NOT A NAME"],
    ["the daemon's image has a name that is none", "docker-daemon:../x"],
    ["nothing stands behind the transport", "oci-archive:"],
    ["it means podman's own storage", "containers-storage:localhost/x"],
  ];
  for (const [name, reference] of cases) {
    it(name, () => assertRefused(reference, "REFERENCE_INVALID", /\w/));
  }
});

async function fileOf(bytes: Buffer, directory?: string): Promise<string> {
  const path = join(directory ?? (await temporaryDirectory()), "image.tar");
  await writeFile(path, bytes);
  return `docker-archive:${path}`;
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
