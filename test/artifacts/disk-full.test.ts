import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertRefusal } from "../cli/support/refusal.js";
import { addImage, baseWithout, imageOf, noise } from "../extract/support/images.js";
import { cannotMount, mountTmpfs } from "../extract/support/mounts.js";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { serveImage } from "../oci-client/support/local-server.js";
import { baseLayer } from "../support/base-layer.js";
import type { ArchivePart } from "../support/tar-builder.js";

const megabyte = 1_048_576;

describe("a full disk ends the run with DISK_FULL and leaves existing files unchanged", {
  skip: cannotMount,
}, () => {
  const images: [name: string, layers: ArchivePart[][]][] = [
    ["the squashfs does not fit", [[...baseLayer, noise("noise", 3 * megabyte)]]],
    [
      "the kernel does not fit",
      [[...baseWithout("./boot/vmlinuz"), noise("boot/vmlinuz", 3 * megabyte)]],
    ],
    [
      "the initrd, in a smaller layer, does not fit",
      [
        baseWithout("./boot/initrd"),
        [noise("boot/initrd", 3 * megabyte)],
        [noise("n", 4 * megabyte)],
      ],
    ],
    [
      "the kernel fits once and not twice",
      [[...baseWithout("./boot/vmlinuz"), noise("boot/vmlinuz", 0.7 * megabyte)]],
    ],
    [
      "a kernel that is linked to from afar does not fit",
      [
        baseWithout("./boot/vmlinuz"),
        [noise("opt/kernel", 0.9 * megabyte)],
        [{ name: "boot/vmlinuz", type: "symlink", link: "/opt/kernel" }],
      ],
    ],
  ];
  for (const [name, layers] of images) {
    it(`if ${name}`, async () => {
      const cwd = await temporaryDirectory();
      await mountTmpfs(join(cwd, "disk"), megabyte);
      const words = ["extract", await imageOf(layers), "-o", "disk/out", "--platform=amd64"];
      const outcome = await runCommand(words, { cwd });
      assertRefusal(outcome, { status: 1, message: /no space left in .*disk/, hint: /--output/ });
      assert.deepEqual(await readdir(join(cwd, "disk")), []);
    });
  }

  it("if earlier output fills the disk, and keeps that output", async () => {
    const cwd = await temporaryDirectory();
    await mountTmpfs(join(cwd, "disk"), megabyte);
    const first = ["extract", demoImage, "-o", "disk/out", "--platform=amd64"];
    assert.equal((await runCommand(first, { cwd })).status, 0);
    const image = await imageOf([[...baseLayer, noise("noise", 2 * megabyte)]]);
    const second = ["extract", image, "-o", "disk/out", "--platform=amd64"];
    const outcome = await runCommand(second, { cwd });
    assertRefusal(outcome, { status: 1, message: /no space left in .*disk/, hint: /--output/ });
    assert.deepEqual(await readdir(join(cwd, "disk")), ["out"]);
    const again = await runCommand([...first, "--json"], { cwd });
    assert.match(again.stdout, /"unchanged":true/);
  });

  const content = new ImageContent();
  const root = addImage(content, [baseLayer, [noise("noise", 1.5 * megabyte)]]);
  const wordsFor = (host: string) => [
    ...["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64"],
    ...["--cache-dir", "disk/cache"],
  ];

  it("before it fetches layers that do not fit into the cache", async (t) => {
    const cwd = await temporaryDirectory();
    await mountTmpfs(join(cwd, "disk"), megabyte);
    const { host, requests } = await serveImage(t, content, root);
    const outcome = await runCommand(wordsFor(host), { cwd });
    const message = /need 1\.6 MB, but .*disk\/cache has only .* free/;
    assertRefusal(outcome, { status: 1, message, hint: /--cache-dir/ });
    const layer = content.json(root).layers[1].digest;
    assert.ok(!requests.some(({ url }) => url!.endsWith(layer)));
    assert.deepEqual(await readdir(cwd), ["disk"]);
  });

  it("if the cache fills up while layers arrive", async (t) => {
    const cwd = await temporaryDirectory();
    await mountTmpfs(join(cwd, "disk"), 2 * megabyte);
    const layer = content.json(root).layers[1].digest;
    const { host } = await serveImage(t, content, root, (request, response) => {
      if (!request.url!.endsWith(layer)) return false;
      const filler = writeFile(join(cwd, "disk/filler"), Buffer.alloc(1.2 * megabyte));
      filler.then(() => response.end(content.bytes({ digest: layer })));
      return true;
    });
    const outcome = await runCommand(wordsFor(host), { cwd });
    assertRefusal(outcome, { status: 1, message: /no space left in .*cache/, hint: /--cache-dir/ });
    assert.deepEqual(await readdir(cwd), ["disk"]);
  });

  it("if a manifest does not fit into the cache", async (t) => {
    const cwd = await temporaryDirectory();
    await mountTmpfs(join(cwd, "disk"), megabyte);
    await mkdir(join(cwd, "disk/cache"));
    await writeFile(join(cwd, "disk/filler"), Buffer.alloc(megabyte - 4096)).catch(() => {});
    await writeFile(join(cwd, "disk/filler2"), Buffer.alloc(8192)).catch(() => {});
    const { host } = await serveImage(t, content, root);
    const outcome = await runCommand(wordsFor(host), { cwd });
    assertRefusal(outcome, {
      status: 1,
      message: /no space left|only .* free/,
      hint: /--cache-dir/,
    });
  });
});
