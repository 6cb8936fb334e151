import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { baseLayer } from "../support/base-layer.js";
import { checkout } from "../support/checkout.js";
import { baseName, imageOf } from "./support/images.js";
import { demoImage, demoName, succeed } from "./support/run-netboot.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

describe("the output directory", () => {
  it("contains the files of the release under their names, and nothing else", async () => {
    const output = await extracted(await imageOf([baseLayer]));
    assert.deepEqual((await readdir(output)).sort(), [
      "SHA256SUMS",
      `${baseName}-initrd`,
      `${baseName}-kernel`,
      `${baseName}.ipxe`,
      `${baseName}.squashfs`,
      "netboot.json",
      "provenance.json",
    ]);
  });

  it("contains the exact bytes of kernel and initrd", async () => {
    const output = await extracted(await imageOf([baseLayer]));
    assert.equal(await readFile(join(output, `${baseName}-kernel`), "utf8"), "a kernel");
    assert.equal(await readFile(join(output, `${baseName}-initrd`), "utf8"), "an initrd");
  });

  it("is readable for everybody, so that a web server can read it", async () => {
    const output = await extracted(await imageOf([baseLayer]));
    assert.equal((await stat(output)).mode & 0o777, 0o777 & ~process.umask());
    for (const name of await readdir(output)) {
      assert.equal((await stat(join(output, name))).mode & 0o777, 0o666 & ~process.umask(), name);
    }
  });

  it("passes sha256sum -c, which checks every file except the list itself", async () => {
    const output = await extracted(await imageOf([baseLayer]));
    const { stdout } = await succeed("sha256sum", ["-c", "--strict", "SHA256SUMS"], output);
    const checked = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/: OK$/, ""));
    const names = (await readdir(output)).filter((name) => name !== "SHA256SUMS");
    assert.deepEqual(checked.sort(), names.sort());
  });

  it("uses a requested name", async () => {
    const output = join(await temporaryDirectory(), "out");
    await extract({ image: demoImage, output, platform: "amd64", name: "edge+1" });
    const names = await readdir(output);
    assert.deepEqual(names.filter((name) => name.startsWith("edge+1")).sort(), [
      "edge+1-initrd",
      "edge+1-kernel",
      "edge+1.ipxe",
      "edge+1.squashfs",
    ]);
  });
});

describe("netboot.json", () => {
  it("states the facts of the image", async () => {
    const output = await extracted(demoImage);
    const description = JSON.parse(await readFile(join(output, "netboot.json"), "utf8"));
    const { files, commandLine, options, program, ...rest } = description;
    assert.deepEqual(rest, {
      schemaVersion: 1,
      name: demoName,
      source: {
        reference: demoImage,
        manifestDigest: "sha256:017d09fbbfee32e03957e0e71119c7a1304d7a5dbff7d6532de2933925107043",
        platform: "linux/amd64",
      },
      kairos: {
        flavor: "demo",
        flavorRelease: "1",
        variant: "core",
        model: "generic",
        release: "v0.1.0",
        kubernetes: null,
        fips: false,
      },
      kernel: { path: "/boot/vmlinuz-0.1.0-demo", version: "0.1.0-demo" },
      initrd: { path: "/boot/initrd" },
      squashfs: { compression: "zstd:3", blockSize: 1024 * 1024 },
      created: "2025-04-01T00:00:00Z",
    });
    for (const [kind, name] of [
      ["kernel", `${demoName}-kernel`],
      ["initrd", `${demoName}-initrd`],
      ["squashfs", `${demoName}.squashfs`],
      ["script", `${demoName}.ipxe`],
    ] as const) {
      const bytes = await readFile(join(output, name));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      assert.deepEqual(files[kind], { name, size: bytes.length, sha256 });
    }
    assert.match(commandLine, /^root=live:\$\{url\}\/.*\.squashfs /);
    assert.equal(options.compression, "zstd:3");
    const { version } = JSON.parse(await readFile(join(checkout, "package.json"), "utf8"));
    assert.deepEqual(program, { name: "kairos-netboot", version });
  });

  it("names the Kubernetes distribution like the file names", async () => {
    const release = [
      "KAIROS_SOFTWARE_VERSION_PREFIX=k3s",
      'KAIROS_SOFTWARE_VERSION="v1.31.2+k3s1"',
      'KAIROS_FIPS="true"',
    ];
    const file = baseLayer.find((part) => "name" in part && part.name === "./etc/kairos-release");
    const content = `${(file as { content: string }).content}${release.join("\n")}\n`;
    const image = await imageOf([baseLayer, [{ name: "etc/kairos-release", content }]]);
    const output = await extracted(image);
    const description = JSON.parse(await readFile(join(output, "netboot.json"), "utf8"));
    assert.equal(description.kairos.kubernetes, "k3sv1.31.2+k3s1");
    assert.equal(description.kairos.fips, true);
    assert.equal(description.name, `${baseName}-k3sv1.31.2+k3s1`);
  });

  it("has the same bytes wherever and whenever it is made", async () => {
    const [one, other] = [await extracted(demoImage), await extracted(demoImage)];
    for (const name of await readdir(one)) {
      assert.deepEqual(await readFile(join(one, name)), await readFile(join(other, name)), name);
    }
  });
});

async function extracted(image: string): Promise<string> {
  const output = join(await temporaryDirectory(), "out");
  await extract({ image, output, platform: "amd64" });
  return output;
}
