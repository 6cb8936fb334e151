import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { extract } from "../../../src/extract/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { noise } from "../../extract/support/images.js";
import { runCommand } from "../../extract/support/run-command.js";
import {
  demoImage,
  demoName,
  type Outcome,
  outcomeOf,
  runProgram,
  startProgram,
  succeed,
} from "../../extract/support/run-netboot.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { baseLayer } from "../../support/base-layer.js";
import { writeLayout } from "../../support/image-layout.js";
import { tar } from "../../support/tar-builder.js";
import {
  demoAs,
  dockerSaves,
  type Extracted,
  extracted,
  filesIn,
  pathOf,
  skopeoCopy,
  skopeoDigest,
} from "../support/copies.js";

/** The result of the demo image in its OCI layout, to which all others are compared. */
let demo: Extracted;
before(async () => {
  demo = await extracted(demoImage);
});

const demoDigest = "sha256:017d09fbbfee32e03957e0e71119c7a1304d7a5dbff7d6532de2933925107043";

describe("an image that skopeo copied yields the same files as its OCI layout", () => {
  const cases: [name: string, make: () => Promise<string>][] = [
    ["oci-archive", () => demoAs("oci-archive")],
    ["oci-archive with a tag", async () => `${await demoAs("oci-archive", ":v1")}:v1`],
    ["oci-archive with gzip", async () => compressed(await demoAs("oci-archive"), "gzip")],
    ["oci-archive with zstd", async () => compressed(await demoAs("oci-archive"), "zstd")],
    ["docker-archive", () => demoAs("docker-archive")],
    ["docker-archive by name", async () => `${await demoAs("docker-archive", ":demo:v1")}:demo:v1`],
    ["docker-archive by number", async () => `${await demoAs("docker-archive")}:@0`],
    ["docker-archive with gzip", async () => compressed(await demoAs("docker-archive"), "gzip")],
    ["docker-archive with zstd", async () => compressed(await demoAs("docker-archive"), "zstd")],
    ["dir", () => demoAs("dir")],
  ];
  for (const [name, make] of cases) {
    it(name, async () => {
      const reference = await make();
      const { files, manifestDigest } = await extracted(reference);
      assert.deepEqual(files, demo.files);
      if (!name.startsWith("docker")) assert.equal(manifestDigest, demoDigest);
    });
  }

  it("from standard input, with each format and compression", async () => {
    const expected = demo.files;
    for (const transport of ["oci-archive", "docker-archive"]) {
      const plain = await demoAs(transport);
      for (const reference of [
        plain,
        await compressed(plain, "gzip"),
        await compressed(plain, "zstd"),
      ]) {
        const { files } = await extractInput(pathOf(reference));
        assert.deepEqual(files, expected, reference);
      }
    }
  });

  it("from a named pipe", async () => {
    const expected = demo.files;
    for (const transport of ["oci-archive", "docker-archive"]) {
      const plain = await demoAs(transport);
      for (const reference of [plain, await compressed(plain, "gzip")]) {
        const pipe = join(await temporaryDirectory(), "pipe");
        await succeed("mkfifo", [pipe]);
        const [{ files }] = await Promise.all([
          extracted(`${transport}:${pipe}`),
          succeed("sh", ["-c", 'cat "$0" > "$1"', pathOf(reference), pipe]),
        ]);
        assert.deepEqual(files, expected, reference);
      }
    }
  });

  it("from compressed layers in an archive, with and without igzip and zstd", async () => {
    const image = join(await temporaryDirectory(), "image.tar");
    const layout = await temporaryDirectory();
    await writeLayout(layout, [
      { tar: tar(baseLayer) },
      { tar: tar([noise("x", 3_000_000)]), compression: "gzip" },
      { tar: tar([noise("y", 3_000_000)]), compression: "zstd" },
    ]);
    await skopeoCopy(`oci:${layout}:test`, `oci-archive:${image}`);
    const cwd = await temporaryDirectory();
    const [withProgram, without] = [
      await run(cwd, image, "a"),
      await run(cwd, image, "b", await noTools()),
    ];
    assert.deepEqual(without, withProgram);
  });
});

describe("an archive that docker save wrote yields the same files", () => {
  const cases: [file: string, choices: string[]][] = [
    [
      "docker-1.10.tar",
      [":demo:v1", ":docker.io/library/demo:v1", ":quay.io/kairos/other:v2", ":@1"],
    ],
    ["docker-1.10-hardlink.tar", [":@0", ":@1"]],
    ["docker-25.tar", ["", ":demo:v1"]],
    ["docker-25-containerd.tar", ["", ":demo:v1"]],
  ];
  for (const [file, choices] of cases) {
    it(file, async () => {
      const directory = await dockerSaves();
      const expected = demo.files;
      for (const choice of choices) {
        const { files } = await extracted(`docker-archive:${directory}/${file}${choice}`);
        assert.deepEqual(files, expected, choice);
      }
    });
  }

  it("as an OCI archive and on standard input, since Docker 25", async () => {
    const directory = await dockerSaves();
    const expected = demo.files;
    const file = join(directory, "docker-25-containerd.tar");
    const archive = await extracted(`oci-archive:${file}:v1`);
    assert.deepEqual(archive, { files: expected, manifestDigest: demoDigest });
    assert.deepEqual((await extractInput(file, runBehindPipe)).files, expected);
  });
});

it("an image of docker save has the digest that skopeo computes", async () => {
  const directory = await dockerSaves();
  for (const reference of [
    await demoAs("docker-archive"),
    `docker-archive:${directory}/docker-25.tar`,
    `docker-archive:${directory}/docker-1.10.tar:demo:v1`,
  ]) {
    const { manifestDigest } = await extracted(reference);
    assert.equal(manifestDigest, await skopeoDigest(reference));
  }
});

it("an image of several in an archive is selected by name, and an error lists the names", async () => {
  const directory = await dockerSaves();
  const reference = `docker-archive:${directory}/docker-1.10.tar`;
  await assert.rejects(
    extracted(reference),
    isError("LAYOUT_INVALID", /demo:v1, quay.io\/kairos\/other:v2/),
  );
  await assert.rejects(extracted(`${reference}:demo:v2`), isError("IMAGE_NOT_FOUND", /demo:v2/));
  await assert.rejects(extracted(`${reference}:@2`), isError("IMAGE_NOT_FOUND", /@2/));
  const file = join(directory, "docker-1.10.tar");
  const { status, stdout } = await runWithInput(file, await temporaryDirectory());
  assert.equal(status, 3);
  assert.match(stdout, /demo:v1, quay.io\/kairos\/other:v2/);
});

it("the second extraction of an archive does nothing, and neither leaves files behind", async () => {
  for (const transport of ["oci-archive", "docker-archive", "dir"]) {
    const image = await demoAs(transport);
    const directory = await temporaryDirectory();
    const cacheDirectory = join(directory, "cache");
    const options = {
      image,
      output: join(directory, "out"),
      platform: "amd64",
      cacheDir: cacheDirectory,
    };
    assert.equal((await extract(options)).isUnchanged, false);
    const before = await stat(join(directory, "out", `${demoName}.squashfs`));
    assert.equal((await extract(options)).isUnchanged, true);
    const after = await stat(join(directory, "out", `${demoName}.squashfs`));
    assert.equal(after.ino, before.ino);
    assert.deepEqual(await readdir(directory), ["out"]);
  }
});

it("an image for another platform is refused with its platform", async () => {
  for (const transport of ["oci-archive", "docker-archive", "dir"]) {
    const image = await demoAs(transport);
    const output = join(await temporaryDirectory(), "out");
    await assert.rejects(
      extract({ image, output, platform: "arm64" }),
      isError("PLATFORM_NOT_FOUND", /linux\/amd64/),
    );
  }
});

it("dir: selects the image for the platform from an index", async () => {
  const layout = join(await temporaryDirectory(), "layout");
  await succeed("cp", ["-r", demoImage.slice("oci:".length), layout]);
  const directory = join(await temporaryDirectory(), "copy");
  // The layout's index contains only the demo image. Put it under a nested index.
  const [manifest] = JSON.parse(await readFile(join(layout, "index.json"), "utf8")).manifests;
  const { annotations: _, ...plain } = manifest;
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [plain] });
  const hex = createHash("sha256").update(index).digest("hex");
  await writeFile(join(layout, "blobs/sha256", hex), index);
  const root = { mediaType, digest: `sha256:${hex}`, size: index.length };
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [root] }),
  );
  await succeed("skopeo", [
    ...["--insecure-policy", "copy", "--quiet", "--all"],
    ...[`oci:${layout}`, `dir:${directory}`],
  ]);
  const { files, manifestDigest } = await extracted(`dir:${directory}`);
  assert.deepEqual({ files, manifestDigest }, demo);
});

async function compressed(reference: string, program: "gzip" | "zstd"): Promise<string> {
  const path = pathOf(reference);
  await succeed("sh", ["-c", `${program} -c "$1" >"$1.${program}"`, "sh", path]);
  return `${reference}.${program}`;
}

const extractStandardInput = ["extract", "-", "-o", "out", "--platform", "amd64", "--json"];

/** Runs the command line with a file as its standard input. */
async function runWithInput(file: string, cwd: string): Promise<Outcome> {
  return runCommand(extractStandardInput, { cwd, input: createReadStream(file) });
}

/** Runs the program with a file on its standard input, through a pipe. */
async function runBehindPipe(file: string, cwd: string): Promise<Outcome> {
  const prefix = ["sh", "-c", 'cat "$0" | "$@"', file];
  return runProgram(extractStandardInput, { cwd, prefix });
}

async function extractInput(file: string, run = runWithInput) {
  const cwd = await temporaryDirectory();
  const { status, stdout } = await run(file, cwd);
  assert.equal(status, 0, stdout);
  const names = ["-kernel", "-initrd", ".squashfs"].map((end) => `${demoName}${end}`);
  return { files: await filesIn(names.map((name) => join(cwd, "out", name))) };
}

/** The digests of the files that the program extracts from an OCI archive. */
async function run(cwd: string, image: string, output: string, path?: string) {
  const args = ["extract", `oci-archive:${image}`, "-o", output, "--platform", "amd64"];
  const env: Record<string, string> = path === undefined ? {} : { PATH: path };
  const { status, stderr } = await runCommand(args, { cwd, env });
  assert.equal(status, 0, stderr);
  const names = (await readdir(join(cwd, output))).filter((name) => !name.endsWith(".json")).sort();
  return filesIn(
    names.filter((name) => name !== "SHA256SUMS").map((name) => join(cwd, output, name)),
  );
}

/** A PATH with no program but mksquashfs. */
async function noTools(): Promise<string> {
  const directory = join(await temporaryDirectory(), "bin");
  await mkdir(directory);
  const { stdout } = await succeed("sh", ["-c", "command -v mksquashfs"]);
  await symlink(stdout.trim(), join(directory, "mksquashfs"));
  return directory;
}

function isError(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

it("an archive compressed with zstd needs the program zstd, and an error says so", async () => {
  const reference = await compressed(await demoAs("oci-archive"), "zstd");
  const cwd = await temporaryDirectory();
  const args = ["inspect", reference, "--platform", "amd64"];
  const { status, stderr } = await runCommand(args, { cwd, env: { PATH: await noTools() } });
  assert.equal(status, 5);
  assert.match(stderr, /program zstd is not installed/);
});

it("Ctrl-C ends the program while standard input is silent, and no file is left behind", async () => {
  const [cwd, elsewhere] = [await temporaryDirectory(), await temporaryDirectory()];
  const fifo = join(elsewhere, "fifo");
  await succeed("mkfifo", [fifo]);
  const prefix = ["sh", "-c", 'exec "$@" <"$0"', fifo];
  const child = startProgram(["extract", "-", "-o", "out"], { cwd, prefix });
  const outcome = outcomeOf(child);
  const writer = await open(fifo, "w");
  // The program starts to read, but cannot tell yet what it reads.
  await writer.write("ab");
  await once(child.stderr, "data");
  child.kill("SIGINT");
  assert.equal((await outcome).status, 130);
  await writer.close();
  assert.deepEqual(await readdir(cwd), []);
});

it("Ctrl-C ends the program while a named pipe has no writer, or a silent one", async () => {
  for (const beginning of [undefined, "ab"]) {
    const [cwd, elsewhere] = [await temporaryDirectory(), await temporaryDirectory()];
    const pipe = join(elsewhere, "pipe");
    await succeed("mkfifo", [pipe]);
    const child = startProgram(["extract", `oci-archive:${pipe}`, "-o", "out"], { cwd });
    const outcome = outcomeOf(child);
    await once(child.stderr, "data");
    const writer = beginning && (await open(pipe, "w"));
    if (writer) await writer.write(beginning);
    child.kill("SIGINT");
    assert.equal((await outcome).status, 130);
    if (writer) await writer.close();
    assert.deepEqual(await readdir(cwd), []);
  }
});
