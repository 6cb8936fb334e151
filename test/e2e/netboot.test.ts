import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { type Check, verifyDirectory } from "../../src/verify/index.js";
import { hasRootTime, withoutRootTime } from "../layers/support/unpacked-trees.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { listTree, type TreeListing } from "../support/tree-listing.js";
import { extract, ordinaryUser, rootUser, type User } from "./installed-program.js";
import { type Registry, startRegistry } from "./registry.js";
import { buildSmallImage, cacheDirectory, imageLayout, releaseName } from "./small-image.js";
import { boot, directBoot, hostSeenFromGuest, type Report } from "./virtual-machine.js";
import { startWebServer, type WebServer } from "./web-server.js";

const run = promisify(execFile);

const consoleLogPath = join(cacheDirectory, "console.log");
const cloudConfigText = "#cloud-config\nhostname: from-the-config-url\n";
const bootDeadlineMs = 10 * 60_000;

describe("an image, from the registry to the booted machine", () => {
  let scratch: string;
  let registry: Registry;
  let reference: string;
  let root: User;
  let nobody: User;
  let extracted: string;
  let unpacked: string;

  before(async () => {
    assert.equal(process.getuid?.(), 0, "the end-to-end test must be run as root");
    await buildSmallImage();
    scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-e2e-"));
    [root, nobody] = await Promise.all([rootUser(), ordinaryUser()]);
    registry = await startRegistry();
    reference = await registry.push(imageLayout, "latest", "kairos/debian:e2e");
  });

  after(async () => {
    await registry?.close();
    for (const directory of [scratch, root?.directory, nobody?.directory]) {
      if (directory) await rm(directory, { recursive: true, force: true });
    }
  });

  test("the registry holds the very manifest that was built", async () => {
    const manifest = await fetch(`http://${registry.address}/v2/kairos/debian/manifests/e2e`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    const built = JSON.parse(await readFile(join(imageLayout, "index.json"), "utf8"));
    assert.equal(manifest.headers.get("docker-content-digest"), built.manifests[0].digest);
  });

  test("root extracts it, and SHA256SUMS holds", async () => {
    extracted = await extract(root, reference);
    const names = await readdir(extracted);
    for (const name of [
      `${releaseName}-kernel`,
      `${releaseName}-initrd`,
      `${releaseName}.squashfs`,
      "netboot.json",
    ]) {
      assert.ok(names.includes(name), `${name} among ${names.join(", ")}`);
    }
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: extracted });
  });

  test("verify finds what the initrd needs, and nothing else to say", async () => {
    const failures: Check[] = [];
    let netboot: Check | undefined;
    for await (const check of verifyDirectory({ directory: extracted })) {
      if (check.status === "failed" || check.status === "warning") failures.push(check);
      if (check.check === "netboot") netboot = check;
    }
    assert.deepEqual(failures, []);
    assert.equal(netboot?.status, "ok", netboot?.what);
  });

  test("an ordinary user gets the same bytes", async () => {
    const own = await extract(nobody, reference);
    assert.equal((await stat(join(own, "netboot.json"))).uid, nobody.uid);
    await run("diff", ["--recursive", "--brief", extracted, own]);
  });

  test("kernel and initrd are the image's", async () => {
    const bundle = join(scratch, "unpacked");
    await run("umoci", ["unpack", "--image", `${imageLayout}:latest`, bundle]);
    unpacked = join(bundle, "rootfs");
    const kernels = (await readdir(join(unpacked, "boot"))).filter((it) => /^vmlinuz-/.test(it));
    assert.equal(kernels.length, 1);
    await run("cmp", [
      join(unpacked, "boot", kernels[0]!),
      join(extracted, `${releaseName}-kernel`),
    ]);
    await run("cmp", [join(unpacked, "boot/initrd"), join(extracted, `${releaseName}-initrd`)]);
  });

  test("the squashfs holds the tree that umoci unpacks", async () => {
    const tree = join(scratch, "tree");
    const squashfs = join(extracted, `${releaseName}.squashfs`);
    await run("unsquashfs", ["-no-progress", "-quiet", "-dest", tree, squashfs]);
    const [actual, expected] = [listTree(tree), withoutAccessLists(listTree(unpacked))];
    if (hasRootTime()) assertSameTree(actual, expected);
    else assertSameTree(withoutRootTime(actual), withoutRootTime(expected));
  });

  describe("a machine that boots from a plain web server", () => {
    let server: WebServer;
    let commandLine: string;
    let report: Report;
    const fact = (name: string) => report.facts.get(name);

    before(async () => {
      server = await startWebServer(extracted, new Map([["cloud-config.yaml", cloudConfigText]]));
      commandLine = releaseCommandLine(`http://${hostSeenFromGuest}:${server.port}`);
      const [kernel, initrd] = ["kernel", "initrd"].map((it) =>
        join(extracted, `${releaseName}-${it}`),
      );
      report = await boot({
        qemu: directBoot(kernel!, initrd!, commandLine),
        consoleLog: consoleLogPath,
        deadlineMs: bootDeadlineMs,
      });
    });

    after(async () => {
      await server?.close();
    });

    test("reports, and powers off", (t) => {
      t.diagnostic(`booted in ${report.seconds.toFixed(1)} s; console: ${consoleLogPath}`);
      assert.ok(report.poweredOff);
    });

    test("fetched the squashfs once and then the cloud-config", () => {
      assert.deepEqual(server.answers, [
        `GET /${releaseName}.squashfs 200`,
        "GET /cloud-config.yaml 200",
      ]);
    });

    test("got Kairos' command line", () => assert.equal(fact("cmdline"), commandLine));

    test("runs from the squashfs under an overlay, with its own kernel's modules", () => {
      assert.equal(fact("root"), "LiveOS_rootfs overlay");
      assert.match(fact("squashfs") ?? "", /^\/run\/rootfsbase +\/dev\/loop0$/);
      assert.ok(fact("backing file")?.includes(`${releaseName}.squashfs`));
      assert.equal(fact("modules"), fact("kernel"));
    });

    const expected: [name: string, fact: string, value: string][] = [
      ["has the file capability of ping", "capability", "/usr/bin/ping cap_net_raw=ep"],
      ["got its cloud-config", "config_url", cloudConfigText.replaceAll("\n", "|")],
      ["has the upper layer's contents of a replaced file", "replaced", "derived"],
      ["lacks a deleted file", "deleted", "absent"],
      [
        "has a file that one layer deleted and a higher one added again",
        "deleted-then-restored",
        "derived",
      ],
      ["has a directory in place of a file", "becomes-directory", "derived"],
      ["has a file in place of a directory", "becomes-file", "derived"],
      ["has nothing from below an opaque directory", "opaque", "shown system"],
      ["keeps hard links whose first name was deleted", "links", "2 3 2 2 linked"],
      ["keeps hard links one file", "link inodes", "1"],
      ["has large owner ids, mode and time", "owned", "4000000:4000001 6754 1234567890 owned"],
      ["has a name that is not UTF-8", "latin name", "latin"],
      ["has a path longer than a tar header's fields", "long name", "long"],
      ["has no whiteout left over", "whiteout files", "0"],
    ];
    for (const [name, key, value] of expected) {
      test(name, () => assert.equal(fact(key), value));
    }
  });
});

/** The command line of Kairos' release script. The serial console comes last, so it is the main one. */
function releaseCommandLine(url: string): string {
  return [
    `root=live:${url}/${releaseName}.squashfs`,
    `initrd=${releaseName}-initrd`,
    "rd.neednet=1 ip=dhcp rd.cos.disable netboot install-mode",
    `config_url=${url}/cloud-config.yaml`,
    "console=tty1 console=ttyS0 rd.live.overlay.overlayfs",
  ].join(" ");
}

/** Squashfs cannot hold POSIX ACLs. */
function withoutAccessLists(tree: TreeListing): TreeListing {
  const records = Object.entries(tree).map(([path, { xattrs = {}, ...record }]) => {
    const kept = Object.entries(xattrs).filter(([name]) => !name.startsWith("system."));
    const has = kept.length > 0;
    return [path, { ...record, ...(has ? { xattrs: Object.fromEntries(kept) } : {}) }] as const;
  });
  return Object.fromEntries(records);
}
