import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  copyOfProgram,
  demoImage,
  demoName,
  ordinaryUser,
  type RunOptions,
  runProgram,
  succeed,
} from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { checkout } from "../support/checkout.js";
import { listTree, type TreeListing } from "../support/tree-listing.js";

/** Debian suites whose squashfs-tools (4.6) takes other options than bookworm's 4.5. */
const suites = ["trixie"];

for (const suite of suites) {
  test(`with the squashfs-tools of Debian ${suite}, root and an ordinary user make the same bytes, and the tree is the image's`, async () => {
    const [scratch, program] = await Promise.all([temporaryDirectory(), copyOfProgram()]);
    await chmod(scratch, 0o755);
    const bin = await toolsOf(suite, scratch);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const [asRoot, asUser] = await Promise.all([
      checksums(join(scratch, "root"), { program, env }),
      checksums(join(scratch, "user"), { program, env, prefix: ordinaryUser }),
    ]);
    assert.equal(asUser, asRoot);
    assertSameTree(await unsquashed(bin, scratch), await unpackedByUmoci(scratch));
  });
}

/** Unpacks a suite's packages next to the system's, and makes their programs executable from there. */
async function toolsOf(suite: string, scratch: string): Promise<string> {
  const root = join(scratch, suite);
  const options = ["--quiet", "--mode=root", "--variant=extract", "--include=squashfs-tools"];
  await succeed("mmdebstrap", [...options, suite, root]);
  const bin = join(scratch, "bin");
  await mkdir(bin);
  const libraries = await find(join(root, "usr/lib"), /-linux-gnu$/);
  const linker = await find(libraries, /^ld-linux.*\.so\.\d+$/);
  for (const name of ["mksquashfs", "unsquashfs"]) {
    const command = `${linker} --library-path ${libraries} ${root}/usr/bin/${name} "$@"`;
    await writeFile(join(bin, name), `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  }
  return bin;
}

async function find(directory: string, pattern: RegExp): Promise<string> {
  const names = await readdir(directory);
  return join(directory, names.find((name) => pattern.test(name))!);
}

async function checksums(home: string, options: Omit<RunOptions, "cwd">): Promise<string> {
  await mkdir(home);
  if (options.prefix !== undefined) await succeed("chown", ["65534:65534", home]);
  const args = ["extract", demoImage, "-o", "out", "--platform", "linux/amd64"];
  const outcome = await runProgram(args, { ...options, cwd: home });
  assert.equal(outcome.status, 0, outcome.stderr);
  return readFile(join(home, "out/SHA256SUMS"), "utf8");
}

async function unsquashed(bin: string, scratch: string): Promise<TreeListing> {
  const tree = join(scratch, "unsquashed");
  const squashfs = join(scratch, "root/out", `${demoName}.squashfs`);
  await succeed(join(bin, "unsquashfs"), ["-strict-errors", "-q", "-n", "-d", tree, squashfs]);
  return listTree(tree);
}

async function unpackedByUmoci(scratch: string): Promise<TreeListing> {
  const tree = join(scratch, "umoci");
  await mkdir(tree);
  const image = join(checkout, "testdata/demo-image:latest");
  await succeed("umoci", ["raw", "unpack", "--image", image, tree]);
  return listTree(tree);
}
