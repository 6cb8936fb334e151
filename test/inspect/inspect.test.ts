import assert from "node:assert/strict";
import { once } from "node:events";
import { lstat, readdir, readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { extract } from "../../src/extract/index.js";
import { type Inspection, inspect } from "../../src/inspect/index.js";
import { assertRefusal } from "../cli/support/refusal.js";
import { addImage, imageOf, layoutOf, noise } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage, runProgram, succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { bzImageOf } from "../kairos/support/bz-image-of.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { demoAs } from "../sources/support/copies.js";
import { baseLayer } from "../support/base-layer.js";
import type { ArchivePart, TarItem } from "../support/tar-builder.js";

describe("inspect agrees with skopeo and extract", () => {
  for (const transport of ["oci", "oci-archive", "docker-archive", "dir"]) {
    it(`about an image behind ${transport}:`, async () => {
      const image = await demoAs(transport);
      const inspection = await look(image);
      const seen = JSON.parse((await succeed("skopeo", ["inspect", image])).stdout);
      assert.equal(inspection.manifestDigest, seen.Digest);
      assert.equal(inspection.created, seen.Created);
      assert.equal(inspection.platform, `${seen.Os}/${seen.Architecture}`);
      assert.deepEqual(
        inspection.layers.map(({ digest }) => digest),
        seen.Layers,
      );
      const raw = JSON.parse((await succeed("skopeo", ["inspect", "--raw", image])).stdout);
      assert.deepEqual(
        inspection.layers.map(({ size }) => size),
        raw.layers.map(({ size }: { size: number }) => size),
      );
      await assertAsExtracted(inspection, image);
      assert.deepEqual(inspection.problems, []);
    });
  }
});

const boot: TarItem = { name: "boot/", type: "directory" };
const etc: TarItem = { name: "etc/", type: "directory" };
const release = (baseLayer as TarItem[]).find(({ name }) => name === "./etc/kairos-release")!;
const releaseText = String(release.content);
const versioned: TarItem[] = [
  boot,
  { name: "boot/vmlinuz", type: "symlink", link: "vmlinuz-6.1.0-1" },
  { name: "boot/vmlinuz-6.1.0-1", content: "a versioned kernel" },
  { name: "boot/initrd", content: "an initrd for it" },
];
const modules = (version: string): TarItem[] => [
  { name: "usr/", type: "directory" },
  { name: "usr/lib/", type: "directory" },
  { name: "usr/lib/modules/", type: "directory" },
  { name: `usr/lib/modules/${version}/`, type: "directory" },
  { name: `usr/lib/modules/${version}/modules.dep` },
  { name: `usr/lib/modules/${version}/kernel/`, type: "directory" },
];
const withoutModules: TarItem[] = [
  ...versioned,
  etc,
  { name: "etc/kairos-release", content: releaseText },
];
const full: TarItem[] = [...withoutModules, ...modules("6.1.0-1")];
const bootc: TarItem[] = [
  ...modules("6.12.5"),
  { name: "usr/lib/modules/6.12.5/vmlinuz", content: "a kernel" },
  { name: "usr/lib/modules/6.12.5/initramfs.img", content: "an initrd" },
];

describe("inspect reads only the layers that it needs to find what extract would find", () => {
  const cases: [name: string, layers: (readonly ArchivePart[])[], read: number][] = [
    ["everything in the top layer", [[noise("x", 1000)], full], 1],
    ["everything in the middle layer", [[noise("x", 1000)], full, [{ name: "y" }]], 2],
    ["everything in the lowest layer", [full, [{ name: "y" }]], 2],
    ["modules in a lower layer", [[noise("x", 1000)], modules("6.1.0-1"), withoutModules], 2],
    ["modules nowhere", [[noise("x", 1000)], withoutModules], 2],
    ["kernel and initrd beside the modules", [[etc, release], bootc, [{ name: "y" }]], 3],
    [
      "another kernel in a lower layer, which is complete",
      [
        [
          boot,
          { name: "boot/vmlinuz-5.10.0-1", content: "old" },
          { name: "boot/initrd-5.10.0-1", content: "an initrd for the old one" },
          ...modules("5.10.0-1"),
        ],
        withoutModules,
      ],
      2,
    ],
    [
      "a copied kernel that states its version, with initrds in a lower layer",
      [
        [
          boot,
          { name: "boot/initrd-6.1.0-1", content: "an initrd for it" },
          { name: "boot/initrd-6.1.0-2", content: "an initrd for another one" },
          ...modules("6.1.0-2"),
        ],
        [
          boot,
          { name: "boot/vmlinuz", content: bzImageOf("6.1.0-1") },
          etc,
          release,
          ...modules("6.1.0-1"),
        ],
      ],
      2,
    ],
    [
      "a copied kernel that states its version, and everything else beside it",
      [
        modules("6.1.0-2"),
        [
          boot,
          { name: "boot/vmlinuz", content: bzImageOf("6.1.0-1") },
          { name: "boot/initrd", content: "an initrd for it" },
          etc,
          release,
          ...modules("6.1.0-1"),
        ],
      ],
      1,
    ],
    [
      "a release file in a lower layer",
      [baseLayer as ArchivePart[], [{ name: "y" }], versioned],
      3,
    ],
    [
      "a kernel that the top layer deletes",
      [baseLayer as ArchivePart[], full, [boot, { name: "boot/.wh.vmlinuz" }]],
      3,
    ],
    [
      "another kernel in a lower layer, without a link",
      [
        [boot, { name: "boot/vmlinuz-5.10.0-1", content: "old" }, ...modules("5.10.0-1")],
        full.filter(({ type }) => type !== "symlink"),
      ],
      2,
    ],
    [
      "modules in a lower layer, for a kernel whose name has no version",
      [
        [...modules("6.6.0-lts"), { name: "lib", type: "symlink", link: "usr/lib" }],
        baseLayer as ArchivePart[],
      ],
      2,
    ],
    [
      "a link at /boot, and a higher layer that writes through it",
      [
        [
          { name: "sys/", type: "directory" },
          { name: "boot", type: "symlink", link: "sys" },
          etc,
          { name: "etc/kairos-release", content: releaseText },
          { name: "sys/vmlinuz", content: "below" },
          { name: "sys/initrd", content: "below" },
        ],
        [{ name: "boot/vmlinuz", content: "above" }],
      ],
      2,
    ],
    [
      "a kernel that a higher layer replaces through a link",
      [
        [{ name: "alias", type: "symlink", link: "boot" }],
        full,
        [{ name: "alias/vmlinuz-6.1.0-1", content: "a much longer kernel than that" }],
      ],
      3,
    ],
    [
      "a kernel that is a hard link to a lower layer's file",
      [
        [boot, { name: "boot/k", content: "linked" }],
        [
          ...full.filter(({ name }) => name !== "boot/vmlinuz"),
          { name: "boot/vmlinuz", type: "hardlink", link: "boot/k" },
        ],
      ],
      2,
    ],
    [
      "an os-release of an older image in a lower layer, behind a link",
      [
        [
          { name: "usr/", type: "directory" },
          { name: "usr/lib/", type: "directory" },
          { name: "usr/lib/os-release", content: releaseText },
          etc,
          { name: "etc/os-release", type: "symlink", link: "../usr/lib/os-release" },
        ],
        versioned,
      ],
      2,
    ],
    [
      "an incomplete release file, with the rest in a lower layer's os-release",
      [
        [etc, { name: "etc/os-release", content: releaseText }],
        [...versioned, etc, { name: "etc/kairos-release", content: "KAIROS_FLAVOR=other\n" }],
      ],
      2,
    ],
    [
      "a /boot that was emptied and filled again",
      [baseLayer as ArchivePart[], [...full, { name: "boot/.wh..wh..opq" }]],
      1,
    ],
  ];
  for (const [name, layers, read] of cases) {
    it(`reads ${read} of ${layers.length} layers: ${name}`, async () => {
      const image = await imageOf(layers);
      const inspection = await look(image);
      await assertAsExtracted(inspection, image);
      const isRead = inspection.layers.map((layer) => layer.isRead);
      assert.deepEqual(
        isRead,
        layers.map((_, number) => number >= layers.length - read),
      );
    });
  }
});

describe("inspect of an image in a registry", () => {
  it("fetches only the top layer if that is enough, and extract then only the others", async (t) => {
    const directory = await temporaryDirectory();
    const server = await startRegistry(t, directory);
    const layers = [[noise("x", 4_000_000)], [noise("y", 2_000_000)], full];
    await succeed("skopeo", [
      ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
      ...[await imageOf(layers), `docker://${server}/os/image:v1`],
    ]);
    const wire = await countingProxy(t, server);
    const image = `${wire.host}/os/image:v1`;
    const cacheDirectory = join(directory, "cache");

    const inspection = await inspect({ image, platform: "amd64", cacheDir: cacheDirectory });
    const [first, second, top] = inspection.layers;
    assert.deepEqual(inspection.fetched, { bytes: top!.size, read: top!.size });
    assert.ok(inspection.size > 6_000_000);
    assert.ok(wire.received() < 20_000, `${wire.received()} bytes came`);
    const kept = await readdir(join(cacheDirectory, "blobs/sha256"));
    const digests = [first!, second!, top!].map(({ digest }) => digest.slice("sha256:".length));
    assert.deepEqual(
      digests.map((digest) => kept.includes(digest)),
      [false, false, true],
    );

    const again = await inspect({ image, platform: "amd64", cacheDir: cacheDirectory });
    assert.deepEqual(again, { ...inspection, fetched: { bytes: 0, read: top!.size } });

    const output = join(directory, "out");
    const before = wire.received();
    const { description } = await extract({
      image,
      output,
      platform: "amd64",
      cacheDir: cacheDirectory,
    });
    assert.equal(description.name, inspection.name);
    const came = wire.received() - before;
    assert.ok(came >= first!.size + second!.size && came < first!.size + second!.size + 20_000);
  });
});

it("inspect lists all platforms of an index, and its digest", async () => {
  const content = new ImageContent();
  const platformOf = (architecture: string) => ({ os: "linux", architecture });
  const pointers = ["arm64", "amd64"].map((architecture) => ({
    ...addImage(content, [full], { config: platformOf(architecture) }),
    platform: platformOf(architecture),
  }));
  const index = content.index(pointers);
  const inspection = await look(await layoutOf(content, index));
  assert.deepEqual(inspection.platforms, ["linux/arm64", "linux/amd64"]);
  assert.equal(inspection.platform, "linux/amd64");
  assert.equal(inspection.indexDigest, index.digest);
  assert.equal(inspection.manifestDigest, pointers[1]!.digest);
});

describe("inspect lists the problems", () => {
  const cases: [name: string, layer: readonly ArchivePart[], codes: string[]][] = [
    ["of an image without a kernel", [etc, release], ["IMAGE_NO_KERNEL"]],
    ["of an image without an initrd", full.slice(0, 3), ["IMAGE_NO_INITRD", "IMAGE_NO_RELEASE"]],
    ["of an image that is not a Kairos image", [etc], ["IMAGE_NO_KERNEL", "IMAGE_NO_RELEASE"]],
  ];
  for (const [name, layer, expected] of cases) {
    it(name, async () => {
      const { problems, estimate, kernel, initrd } = await look(await imageOf([layer]));
      assert.deepEqual(
        problems.map(({ code }) => code),
        expected,
      );
      assert.deepEqual([estimate, kernel, initrd], [null, null, null]);
    });
  }
});

describe("kairos-netboot inspect", () => {
  it("prints a table, and progress on standard error", async () => {
    const { status, stdout, stderr } = await runInspect(demoImage);
    assert.equal(status, 0, stderr);
    const lines = stdout.trimEnd().split("\n");
    const starts = ["Image", "Digest", "Platform", "Created", "Layers", "  1", "  2", "  3"];
    const rest = ["Kairos", "Kernel", "Initrd", "Name", "Squashfs", "Output", "Memory", "Fetched"];
    assert.deepEqual(
      lines.map((line) => /^ *\S+/.exec(line)![0]),
      [...starts, ...rest],
    );
    assert.match(stdout, /Kernel +\/boot\/vmlinuz-0\.1\.0-demo \(0\.1\.0-demo, 1\.5 kB\)/);
    assert.match(stdout, /626 B {2}sha256:96592cf8\w+ {2}not read/);
    assert.match(stderr, /layer 3 of 3.*\n.*layer 2 of 3/);
  });

  it("prints JSON and nothing else, and leaves nothing behind", async () => {
    const cwd = await temporaryDirectory();
    const { status, stdout, stderr } = await runInspect(demoImage, ["--json"], cwd);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.deepEqual(JSON.parse(stdout), await look(demoImage));
    assert.deepEqual(await readdir(cwd), []);
  });

  it("has the exit status of extract if the image is unavailable", async () => {
    const { status, stderr } = await runInspect("oci:/nowhere");
    assert.equal(status, 3);
    assert.match(stderr, /\/nowhere is not an OCI layout/);
    assert.equal((await runInspect("NOT")).status, 2);
    assert.equal((await runInspect(demoImage, ["--platform", "linux/arm64"])).status, 3);
  });

  it("names TMPDIR if there is no directory for temporary files", async () => {
    const cwd = await temporaryDirectory();
    const args = ["inspect", demoImage, "--platform", "amd64"];
    const outcome = await runCommand(args, { cwd, env: { TMPDIR: "/nowhere" } });
    assertRefusal(outcome, { status: 1, message: /\/nowhere.*ENOENT/, hint: /TMPDIR/ });
  });

  it("reads an archive on standard input", async () => {
    const file = (await demoAs("docker-archive")).slice("docker-archive:".length);
    const prefix = ["sh", "-c", 'gzip -c "$0" | "$@"', file];
    const cwd = await temporaryDirectory();
    const args = ["inspect", "-", "--platform", "amd64", "--json", "--quiet"];
    const { status, stdout } = await runProgram(args, { cwd, prefix, env: { TMPDIR: cwd } });
    assert.equal(status, 0);
    assert.equal(JSON.parse(stdout).name, (await look(demoImage)).name);
    assert.deepEqual(await readdir(cwd), []);
  });

  it("mentions a skipped mirror with --verbose", async (t) => {
    const server = await startRegistry(t, await temporaryDirectory());
    await succeed("skopeo", [
      ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
      ...[await imageOf([full]), `docker://${server}/os/image:v1`],
    ]);
    const options = [`--mirror=${server}=127.0.0.1:1`, "--no-cache"];
    const quiet = await runInspect(`${server}/os/image:v1`, options);
    assert.doesNotMatch(quiet.stderr, /mirror/);
    const { status, stderr } = await runInspect(`${server}/os/image:v1`, [...options, "-v"]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /Skipping the mirror 127\.0\.0\.1:1\/os\/image/);
  });
});

it("inspect estimates the size of the squashfs within 12% of what mksquashfs makes", async () => {
  const bootFiles: TarItem[] = [
    ...full.filter(({ content }) => content === undefined || content === releaseText),
    noise("boot/vmlinuz-6.1.0-1", 3_000_000),
    noise("boot/initrd", 12_000_000),
  ];
  const programs = await filesOf("/usr/sbin", 12_000_000);
  const image = await imageOf([[...programs, ...bootFiles]]);
  const output = join(await temporaryDirectory(), "out");
  const { description } = await extract({ image, output, platform: "amd64", cache: false });
  const expected = description.files.squashfs.size;
  assertNear((await look(image)).estimate?.squashfs, expected, 0.12);

  // If only the layer with the kernel and the initrd is read, the sizes of the layers have to do.
  const inspection = await look(await imageOf([programs, bootFiles]));
  const isRead = inspection.layers.map((layer) => layer.isRead);
  assert.deepEqual(isRead, [false, true]);
  assertNear(inspection.estimate?.squashfs, expected, 0.2);
});

/** Files of this machine, the kind of which an image mostly consists. */
async function filesOf(directory: string, maxBytes: number): Promise<TarItem[]> {
  const items: TarItem[] = [];
  let bytes = 0;
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name);
    if (bytes > maxBytes || !(await lstat(path)).isFile()) continue;
    const content = await readFile(path);
    bytes += content.length;
    items.push({ name, content });
  }
  return items;
}

function assertNear(actual: number | undefined, expected: number, tolerance: number): void {
  const share = Math.abs((actual ?? Number.NaN) - expected) / expected;
  assert.ok(share <= tolerance, `${actual} is ${(share * 100).toFixed(1)}% off ${expected}`);
}

function look(image: string): Promise<Inspection> {
  return inspect({ image, platform: "amd64", cache: false });
}

async function runInspect(image: string, options: readonly string[] = [], directory?: string) {
  const cwd = directory ?? (await temporaryDirectory());
  const platform = options.includes("--platform") ? [] : ["--platform", "amd64"];
  return runCommand(["inspect", image, ...platform, ...options], { cwd });
}

/** Checks an inspection against the result of extract. */
async function assertAsExtracted(inspection: Inspection, image: string): Promise<void> {
  const output = join(await temporaryDirectory(), "out");
  const { description } = await extract({ image, output, platform: "amd64" });
  const { kernel, initrd, files, source } = description;
  assert.equal(inspection.reference, source.reference);
  assert.equal(inspection.manifestDigest, source.manifestDigest);
  assert.equal(inspection.platform, source.platform);
  assert.equal(inspection.created, description.created);
  assert.equal(inspection.name, description.name);
  assert.deepEqual(inspection.kairos, description.kairos);
  assert.deepEqual(inspection.kernel, { ...kernel, size: files.kernel.size });
  assert.deepEqual(inspection.initrd, { ...initrd, size: files.initrd.size });
}

/** Forwards connections and counts the bytes that come back. */
async function countingProxy(t: TestContext, server: string) {
  let received = 0;
  const port = Number(server.split(":")[1]);
  const proxy = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    upstream.on("data", (bytes) => {
      received += bytes.length;
    });
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      socket.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => proxy.close());
  const { port: own } = proxy.address() as { port: number };
  return { host: `127.0.0.1:${own}`, received: () => received };
}
