import assert from "node:assert/strict";
import { type ChildProcess, execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { extract } from "../../src/extract/index.js";
import { inspect } from "../../src/inspect/index.js";
import { filesIn } from "../sources/support/copies.js";
import { endOf, startBound } from "./process.js";
import { buildSmallImage, imageLayout, releaseName } from "./small-image.js";

const run = promisify(execFile);
const image = `oci:${imageLayout}:latest`;

let scratch: string;
let expected: string[];

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-e2e-"));
  await buildSmallImage();
  expected = await extracted(image);
});

after(() => rm(scratch, { recursive: true, force: true }));

describe("a bootable image gives the same bytes from", () => {
  for (const transport of ["oci-archive", "docker-archive", "dir"]) {
    it(`${transport}: as skopeo copied it`, async () => {
      const reference = `${transport}:${join(scratch, transport)}`;
      await run("skopeo", ["--insecure-policy", "copy", "--quiet", image, reference]);
      assert.deepEqual(await extracted(reference), expected);
      await rm(join(scratch, transport), { recursive: true });
    });
  }
});

describe("podman", () => {
  let podman: Podman;

  before(async () => {
    podman = await Podman.start(join(scratch, "podman"));
    const archive = join(scratch, "load.tar");
    const target = `docker-archive:${archive}:quay.io/kairos/small:v1`;
    await run("skopeo", ["--insecure-policy", "copy", "--quiet", image, target]);
    await podman.run("load", "--quiet", "--input", archive);
    await rm(archive);
  });

  after(() => podman.close());

  it("provides an image through its Docker API, by name and by ID, with the same bytes", async () => {
    const { stdout } = await podman.run(
      "images",
      "--quiet",
      "--no-trunc",
      "--filter",
      "dangling=false",
    );
    for (const name of ["quay.io/kairos/small:v1", stdout.trim()]) {
      assert.deepEqual(await extracted(`docker-daemon:${name}`), expected);
    }
    await assert.rejects(extracted("docker-daemon:quay.io/kairos/small:v2"), {
      code: "IMAGE_NOT_FOUND",
    });
  });

  it("saves several images into one archive, from which extract takes the named one", async () => {
    const archive = join(scratch, "several.tar");
    const names = ["quay.io/kairos/small:v1", "localhost/other:v1"];
    await writeFile(
      join(scratch, "Containerfile"),
      "FROM quay.io/kairos/small:v1\nLABEL other=yes\n",
    );
    await podman.run("build", "--quiet", "--tag", names[1]!, scratch);
    await podman.run("save", "--quiet", "--multi-image-archive", "--output", archive, ...names);
    assert.deepEqual(await extracted(`docker-archive:${archive}:${names[0]}`), expected);
    await assert.rejects(extracted(`docker-archive:${archive}`), {
      code: "LAYOUT_INVALID",
      message: /quay\.io\/kairos\/small:v1.*localhost\/other:v1|localhost.*quay/,
    });
    await rm(archive);
  });

  it("saves OCI archives that extract reads", async () => {
    const archive = join(scratch, "oci.tar");
    const options = ["--quiet", "--format", "oci-archive", "--output", archive];
    await podman.run("save", ...options, "quay.io/kairos/small:v1");
    assert.deepEqual(await extracted(`oci-archive:${archive}`), expected);
    await rm(archive);
  });
});

it("inspect estimates the size of the result from the upper layers only", async () => {
  const inspection = await inspect({ image, platform: "amd64" });
  const output = join(scratch, "inspected");
  const { description } = await extract({ image, output, platform: "amd64", cache: false });
  assert.equal(inspection.name, releaseName);
  assert.equal(inspection.layers[0]!.isRead, false);
  const { squashfs } = description.files;
  const ratio = inspection.estimate!.squashfs / squashfs.size;
  assert.ok(ratio > 0.75 && ratio < 1.33, `${ratio}`);
});

async function extracted(reference: string): Promise<string[]> {
  const output = await mkdtemp(join(scratch, "out-"));
  const { paths } = await extract({ image: reference, output, platform: "amd64", cache: false });
  const files = await filesIn([paths.kernel, paths.initrd, paths.squashfs]);
  await rm(output, { recursive: true });
  return files;
}

/** podman with its own storage, and its Docker API on a socket that DOCKER_HOST names. */
class Podman {
  readonly #service: ChildProcess;
  readonly #options: readonly string[];

  private constructor(service: ChildProcess, options: readonly string[]) {
    this.#service = service;
    this.#options = options;
  }

  static async start(directory: string): Promise<Podman> {
    await mkdir(directory);
    const storage = ["--root", join(directory, "root"), "--runroot", join(directory, "run")];
    const options = [...storage, "--storage-driver", "vfs", "--log-level", "error"];
    const address = `unix://${join(directory, "podman.sock")}`;
    process.env.DOCKER_HOST = address;
    const service = startBound(
      "podman",
      [...options, "system", "service", "--time=0", address],
      "ignore",
    );
    const podman = new Podman(service, options);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await run("podman", ["--remote", "--url", address, "version"]).catch((e) => e);
      if (!(answer instanceof Error)) return podman;
      if (attempt > 100) throw answer;
      await sleep(100);
    }
  }

  run(...args: string[]) {
    return run("podman", [...this.#options, ...args], { timeout: 300_000 });
  }

  async close(): Promise<void> {
    delete process.env.DOCKER_HOST;
    this.#service.kill();
    await endOf(this.#service);
  }
}
