import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { addImage, baseWithout, imageOf, layoutOf } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent, ociLayerType } from "../oci-client/support/image-content.js";
import { baseLayer } from "../support/base-layer.js";
import { compress } from "../support/layer-compression.js";
import { type ArchivePart, tar } from "../support/tar-builder.js";
import { headerBlock } from "../support/tar-header-block.js";
import { assertRefusal, type Refusal } from "./support/refusal.js";

interface BadInput extends Refusal {
  readonly name: string;
  readonly image: () => Promise<string>;
  readonly args?: readonly string[];
}

const inputs: readonly BadInput[] = [
  {
    name: "a registry whose name does not exist",
    image: async () => "registry.invalid/os/image:v1",
    status: 3,
    message: /registry\.invalid/,
    hint: /name|network/,
  },
  {
    name: "a registry that is not running",
    image: async () => "127.0.0.1:1/os/image:v1",
    status: 3,
    message: /127\.0\.0\.1:1 refused/,
    hint: /port/,
  },
  {
    name: "a layout that does not exist",
    image: async () => "oci:nowhere",
    status: 3,
    message: /nowhere/,
    hint: /skopeo/,
  },
  {
    name: "a tag that the layout does not contain",
    image: async () => (await imageOf([baseLayer])).replace(/test$/, "v9"),
    status: 3,
    message: /v9/,
    hint: /test/,
  },
  {
    name: "a platform that the image does not support; the message lists the others",
    image: () => imageOf([baseLayer]),
    args: ["--platform=linux/riscv64"],
    status: 3,
    message: /linux\/riscv64.*linux\/amd64/,
    hint: /platform/,
  },
  {
    name: "a platform that an index does not contain; the message lists the others",
    image: async () => {
      const content = new ImageContent();
      const image = addImage(content, [baseLayer]);
      const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
      const index = content.index(platforms.map((platform) => ({ ...image, platform })));
      return layoutOf(content, index);
    },
    args: ["--platform=linux/riscv64"],
    status: 3,
    message: /linux\/riscv64.*linux\/amd64, linux\/arm64/,
    hint: /platform/,
  },
  {
    name: "a Helm chart",
    image: async () => {
      const content = new ImageContent();
      const config = content.add({ name: "chart" }, "application/vnd.cncf.helm.config.v1+json");
      const chart = content.add(Buffer.from("chart"), "application/vnd.cncf.helm.chart.content.v1");
      return layoutOf(content, content.manifest({ config, layers: [chart] }));
    },
    status: 4,
    message: /Helm chart/,
    hint: /container image/,
  },
  {
    name: "a schema 1 manifest",
    image: async () => {
      const content = new ImageContent();
      const type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
      return layoutOf(content, content.add({ schemaVersion: 1, name: "os", fsLayers: [] }, type));
    },
    status: 4,
    message: /schema 1/,
    hint: /push/,
  },
  {
    name: "a blob with wrong content",
    image: () => damagedLayer((blob) => blob.fill(0x55, 20, 30)),
    status: 3,
    message: /sha256:/,
    hint: /again/,
  },
  {
    name: "a truncated blob",
    image: async () => {
      const { reference, path, size } = await layoutWithLayer(gzipSync(tar(baseLayer)), baseLayer);
      await truncate(path, size - 10);
      return reference;
    },
    status: 3,
    message: /sha256:.* bytes/,
    hint: /again/,
  },
  {
    name: "a blob with wrong content that decompresses to the same archive",
    image: async () => {
      const blob = compress(tar(baseLayer), "zstd-frames");
      const { reference, path } = await layoutWithLayer(blob, baseLayer);
      // Inside the skippable frame at the head, which decompressors skip.
      blob[10]! ^= 1;
      await writeFile(path, blob);
      return reference;
    },
    status: 3,
    message: /sha256:/,
    hint: /again/,
  },
  {
    name: "a missing blob of a layer",
    image: async () => {
      const { reference, path } = await layoutWithLayer(gzipSync(tar(baseLayer)), baseLayer);
      await rm(path);
      return reference;
    },
    status: 3,
    message: /lacks the blob sha256:/,
    hint: /again/,
  },
  {
    name: "a layer whose archive is truncated",
    image: () => oddLayer(gzipSync(tar(baseLayer).subarray(0, 1500))),
    status: 4,
    message: /Layer 1 of 1 .*ends in the middle/,
    hint: /again/,
  },
  {
    name: "a layer whose gzip stream is truncated",
    image: () => oddLayer(gzipSync(tar(baseLayer)).subarray(0, -20)),
    status: 4,
    message: /Layer 1 of 1/,
    hint: /again/,
  },
  {
    name: "a layer without the diff ID of the configuration",
    image: async () => {
      const { reference } = await layoutWithLayer(
        gzipSync(tar([...baseLayer, { name: "more" }])),
        baseLayer,
      );
      return reference;
    },
    status: 4,
    message: /Layer 1 of 1 .*unpacks to sha256:/,
    hint: /again/,
  },
  {
    name: "an image without a kernel",
    image: () => imageOf([baseWithout("./boot/vmlinuz")]),
    status: 4,
    message: /no kernel/,
    hint: /--kernel/,
  },
  {
    name: "an image without an initrd",
    image: () => imageOf([baseWithout("./boot/initrd")]),
    status: 4,
    message: /no initrd/,
    hint: /--initrd/,
  },
  {
    name: "an image for trusted boot",
    image: () =>
      imageOf([
        baseWithout("./boot/initrd"),
        [{ name: "etc/kairos-release", content: 'KAIROS_TRUSTED_BOOT="true"\n' }],
      ]),
    status: 4,
    message: /trusted boot/,
    hint: /uki/i,
  },
  {
    name: "an -img image, which contains a raw disk",
    image: () => imageOf([[{ name: "disk.raw", content: Buffer.alloc(4096) }]]),
    status: 4,
    message: /raw disk.*disk\.raw/,
    hint: /-img/,
  },
  {
    name: "an empty image",
    image: () => imageOf([]),
    status: 4,
    message: /no kernel/,
    hint: /bootable/,
  },
  {
    name: "an image without the name of its release",
    image: () => imageOf([baseWithout("./etc/kairos-release")]),
    status: 4,
    message: /which Kairos release/,
    hint: /--name/,
  },
  {
    name: "a --kernel that the image does not contain",
    image: () => imageOf([baseLayer]),
    args: ["--kernel", "/boot/other"],
    status: 4,
    message: /\/boot\/other/,
    hint: /--kernel/,
  },
  {
    name: "a file with a size of 2^62 bytes",
    image: () => oddLayer(gzipSync(claim("0", 2 ** 62))),
    status: 4,
    message: /Layer 1 of 1 .*size/,
    hint: /again/,
  },
  {
    name: "a file with a size of a terabyte and no content",
    image: () => oddLayer(gzipSync(claim("0", 2 ** 40 - 512))),
    status: 4,
    message: /Layer 1 of 1 .*"huge".*middle/,
    hint: /again/,
  },
  {
    name: "an extended header with a size of 8 GiB",
    image: () => oddLayer(gzipSync(claim("x", 2 ** 33 - 1))),
    status: 4,
    message: /Layer 1 of 1 .*8589934591/,
    hint: /again/,
  },
];

describe("unusable input exits with its own status, one sentence, and a hint:", () => {
  for (const { name, image, args = [], ...refusal } of inputs) {
    it(name, async () => {
      const reference = await image();
      const cwd = await temporaryDirectory();
      const platform = args.some((word) => word.startsWith("--platform"))
        ? []
        : ["--platform=amd64"];
      const words = ["extract", reference, "-o", "new/out", ...platform, ...args];
      assertRefusal(await runCommand(words, { cwd }), refusal);
      assert.deepEqual(await readdir(cwd), [], "nothing is left behind");
    });
  }

  it("exits with status 5 if mksquashfs is not installed, and says how to install it", async () => {
    const cwd = await temporaryDirectory();
    const words = ["extract", await imageOf([baseLayer]), "-o", "new/out", "--platform=amd64"];
    const outcome = await runCommand(words, { cwd, env: { PATH: cwd } });
    assertRefusal(outcome, { status: 5, message: /mksquashfs/, hint: /apt-get install/ });
    assert.deepEqual(await readdir(cwd), []);
  });
});

/** An archive of one header of a type that claims a size, and nothing behind it. */
function claim(typeFlag: string, size: number): Buffer {
  const [mode, mtime] = [0o644, 0];
  const [name, link] = [Buffer.from("huge"), Buffer.alloc(0)];
  const fields = { name, typeFlag, mode, uid: 0, gid: 0, size, mtime, link };
  return headerBlock({ ...fields, device: [0, 0], dialect: "gnu" });
}

/** An image with one layer of just this blob; the digest of the blob is right. */
async function oddLayer(blob: Buffer): Promise<string> {
  return (await layoutWithLayer(blob, [])).reference;
}

/** An image with one layer of this blob, which is said to unpack to this archive. */
async function layoutWithLayer(blob: Buffer, said: readonly ArchivePart[]) {
  const content = new ImageContent();
  const layer = content.add(blob, ociLayerType);
  const diffId = `sha256:${createHash("sha256").update(tar(said)).digest("hex")}`;
  const rootfs = { type: "layers", diff_ids: [diffId] };
  const image = addImage(content, [], { config: { rootfs }, manifest: { layers: [layer] } });
  const reference = await layoutOf(content, image);
  const directory = reference.slice("oci:".length, -":test".length);
  const path = join(directory, "blobs/sha256", layer.digest.slice(7));
  return { reference, path, size: layer.size };
}

/** An image whose layer was changed after it was written. */
async function damagedLayer(change: (blob: Buffer) => void): Promise<string> {
  const blob = gzipSync(tar(baseLayer));
  const { reference, path } = await layoutWithLayer(blob, baseLayer);
  change(blob);
  await writeFile(path, blob);
  return reference;
}
