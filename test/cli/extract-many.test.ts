import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { baseName, imageOf } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import { demoName, succeed } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";
import { checkout } from "../support/checkout.js";

describe("extract with several images", () => {
  /** Contains the images `oci:demo` and `oci:own`, and an empty directory at `oci:broken`. */
  let place: string;
  before(async () => {
    place = await sharedDirectory();
    await cp(join(checkout, "testdata/demo-image"), join(place, "demo"), { recursive: true });
    const own = await imageOf([baseLayer]);
    await cp(own.replace(/^oci:/, "").replace(/:[^/]*$/, ""), join(place, "own"), {
      recursive: true,
    });
    await mkdir(join(place, "broken"));
  });
  const run = async (...args: string[]) => {
    const home = await temporaryDirectory();
    return runCommand(["extract", "--platform=amd64", ...args], {
      cwd: place,
      env: { HOME: home },
    });
  };
  const fresh = async () => join(await temporaryDirectory(), "out");

  it("makes a directory for each image, and lists all of them at the end", async () => {
    const out = await fresh();
    const { status, stdout, stderr } = await run("oci:demo", "oci:own", "-o", out);
    assert.equal(status, 0, stderr);
    assert.deepEqual(await readdir(out), ["oci-demo", "oci-own"]);
    for (const [directory, name] of [
      ["oci-demo", demoName],
      ["oci-own", baseName],
    ] as const) {
      await succeed("sha256sum", ["-c", "--strict", "SHA256SUMS"], join(out, directory));
      assert.ok(stdout.includes(`${out}/${directory}/${name}.squashfs\n`), stdout);
    }
    for (const path of stdout.trim().split("\n")) assert.ok(existsSync(path), path);
    const [first, second] = stderr.trimEnd().split("\n").slice(-2);
    assert.match(first!, /^oci:demo {2}made {2}\S+\/oci-demo, [\d.]+ kB in [\d.]+ s$/);
    assert.match(second!, /^oci:own {3}made {2}\S+\/oci-own, /);
  });

  it("continues after a failing image, and exits with 1", async () => {
    const out = await fresh();
    const { status, stdout, stderr } = await run("oci:broken", "oci:demo", "-o", out);
    assert.equal(status, 1);
    assert.deepEqual(await readdir(out), ["oci-demo"]);
    assert.match(stderr, /^oci:broken {2}failed {2}\S/m);
    assert.match(stderr, /^oci:demo {4}made {4}/m);
    assert.match(stderr, /^kairos-netboot: 1 of 2 images failed\.$/m);
    assert.match(stdout, /oci-demo/);
    const again = await run("oci:broken", "oci:demo", "-o", out);
    assert.match(again.stderr, /^oci:demo {4}unchanged {2}/m);
  });

  it("takes them from a list, which people can read, too", async () => {
    const out = await fresh();
    const list = join(await temporaryDirectory(), "list");
    await writeFile(list, "# both\r\n\noci:demo   # the first\n  oci:own\noci:demo\n");
    const { status } = await run("--from-file", list, "-o", out);
    assert.equal(status, 0);
    assert.deepEqual(await readdir(out), ["oci-demo", "oci-own"]);
  });

  it("makes a directory below it of a list of one, too", async () => {
    const out = await fresh();
    const list = join(await temporaryDirectory(), "list");
    await writeFile(list, "oci:demo");
    assert.equal((await run("--from-file", list, "-o", out)).status, 0);
    assert.deepEqual(await readdir(out), ["oci-demo"]);
  });

  it("prints JSON lines, a result or a failure an image", async () => {
    const { status, stdout } = await run("oci:broken", "oci:demo", "-o", await fresh(), "--json");
    assert.equal(status, 1);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const ends = lines.filter(({ type }) => ["result", "failure", "error"].includes(type));
    assert.deepEqual(
      ends.map(({ type, image, name, code }) => [type, image ?? name ?? code]),
      [
        ["failure", "oci:broken"],
        ["result", demoName],
        ["error", "IMAGES_FAILED"],
      ],
    );
  });

  it("names to each script its own directory below the address", async () => {
    const out = await fresh();
    assert.equal((await run("oci:demo", "oci:own", "-o", out, "--url", "http://a/b/")).status, 0);
    const script = await readFile(join(out, "oci-own", `${baseName}.ipxe`), "utf8");
    assert.match(script, /^set url http:\/\/a\/b\/oci-own$/m);
  });

  it("keeps nothing but the output directories with --no-cache", async () => {
    const out = await fresh();
    assert.equal((await run("oci:demo", "oci:own", "-o", out, "--no-cache")).status, 0);
    assert.deepEqual(await readdir(out), ["oci-demo", "oci-own"]);
  });

  const lists: [what: string, text: string, message: RegExp][] = [
    ["contains no image", "# nothing\n\n", /contains no image/],
    ["has a line that is not a reference", "oci:demo\nUPPER CASE\n", /line 2: .*UPPER CASE/],
  ];
  for (const [what, text, message] of lists) {
    it(`refuses a list that ${what}, and makes nothing`, async () => {
      const out = await fresh();
      const list = join(await temporaryDirectory(), "list");
      await writeFile(list, text);
      const { status, stderr } = await run("--from-file", list, "-o", out);
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.equal(existsSync(out), false);
    });
  }

  it("refuses to show one password to two registries", async () => {
    const images = ["127.0.0.1:5/a:1", "127.0.0.2:5/a:1"];
    const list = join(await temporaryDirectory(), "list");
    await writeFile(list, images.join("\n"));
    for (const words of [images, ["--from-file", list]]) {
      const out = await fresh();
      const options = ["--username=u", "--password-stdin", "-o", out];
      const { status, stderr } = await runCommand(["extract", ...words, ...options], {
        cwd: place,
        input: "hunter22\n",
      });
      assert.equal(status, 2, stderr);
      assert.match(stderr, /--username is for one registry, .*127\.0\.0\.1:5, 127\.0\.0\.2:5/);
      assert.equal(existsSync(out), false);
    }
  });

  it("makes a directory for an archive on standard input", async () => {
    const out = await fresh();
    await succeed("tar", ["-C", join(place, "demo"), "-cf", join(place, "demo.tar"), "."]);
    const { status, stderr } = await runCommand(
      ["extract", "--platform=amd64", "-", "oci:demo", "-o", out],
      { cwd: place, input: createReadStream(join(place, "demo.tar")) },
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(await readdir(out), ["oci-demo", "standard-input"]);
  });

  it("reports an output that is not a directory, also with --no-cache", async () => {
    const out = join(await temporaryDirectory(), "file");
    await writeFile(out, "");
    const { status, stderr } = await run("oci:demo", "oci:own", "-o", out, "--no-cache");
    assert.equal(status, 1);
    assert.match(stderr, /output directory .*file cannot be (used|written)/);
  });

  it("leaves nothing behind if all images fail with --no-cache", async () => {
    const out = await fresh();
    assert.equal((await run("oci:broken", "oci:none", "-o", out, "--no-cache")).status, 1);
    assert.equal(existsSync(out), false);
  });

  it("refuses images that would get the same directory", async () => {
    await cp(join(place, "demo"), join(place, "a/b"), { recursive: true });
    await cp(join(place, "demo"), join(place, "a-b"), { recursive: true });
    const { status, stderr } = await run("oci:a/b", "oci:a-b", "-o", await fresh());
    assert.equal(status, 2);
    assert.match(stderr, /oci:a\/b and oci:a-b would both get the directory oci-a-b/);
    for (const name of ["a", "a-b"]) await rm(join(place, name), { recursive: true });
  });

  it("leaves an earlier result unchanged if its image fails", async () => {
    const out = await fresh();
    assert.equal((await run("oci:demo", "oci:own", "-o", out)).status, 0);
    const before = await readFile(join(out, "oci-own/SHA256SUMS"), "utf8");
    await rm(join(place, "own/index.json"));
    assert.equal((await run("oci:demo", "oci:own", "-o", out)).status, 1);
    assert.equal(await readFile(join(out, "oci-own/SHA256SUMS"), "utf8"), before);
  });
});
