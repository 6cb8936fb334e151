import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { extract } from "../../../src/extract/index.js";
import { demoImage, succeed } from "../../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { checkout } from "../../support/checkout.js";

/** Copies an image with skopeo. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  await succeed("skopeo", ["--insecure-policy", "copy", "--quiet", from, to]);
}

/** The digest of an image according to skopeo. */
export async function skopeoDigest(reference: string): Promise<string> {
  const args = ["inspect", "--format", "{{.Digest}}", reference];
  return (await succeed("skopeo", args)).stdout.trim();
}

/**
 * Copies the demo image with skopeo to a transport, and returns the reference without its tag. The
 * tests of a file share the copy.
 */
export function demoAs(transport: string, tag = ""): Promise<string> {
  const key = `${transport}${tag}`;
  const copy = demoCopies.get(key) ?? copyDemo(transport, tag);
  demoCopies.set(key, copy);
  return copy;
}

const demoCopies = new Map<string, Promise<string>>();

async function copyDemo(transport: string, tag: string): Promise<string> {
  const place = `${transport}:${join(await sharedDirectory(), "image")}`;
  await skopeoCopy(`${demoImage}:latest`, `${place}${tag}`);
  return place;
}

/** The path in a reference without a tag. */
export function pathOf(reference: string): string {
  return reference.slice(reference.indexOf(":") + 1);
}

/** A directory with the demo image in the formats of several Docker versions, which all tests share. */
export function dockerSaves(): Promise<string> {
  saves ??= makeDockerSaves();
  return saves;
}

let saves: Promise<string> | undefined;

async function makeDockerSaves(): Promise<string> {
  const directory = await sharedDirectory();
  await succeed("sh", [join(checkout, "testdata/docker-save/build.sh"), directory]);
  return directory;
}

export interface Extracted {
  /** Digests of kernel, initrd and squashfs. */
  readonly files: readonly string[];
  readonly manifestDigest: string;
}

export async function extracted(image: string): Promise<Extracted> {
  const output = join(await temporaryDirectory(), "out");
  const { description, paths } = await extract({ image, output, platform: "amd64" });
  return {
    files: await filesIn([paths.kernel, paths.initrd, paths.squashfs]),
    manifestDigest: description.source.manifestDigest,
  };
}

/** The SHA-256 digests of files. */
export function filesIn(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map(async (path) =>
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    ),
  );
}
