import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { extract } from "../../../src/extract/index.js";
import { checkout, demoImage, succeed } from "../../extract/support/program.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";

/** Has skopeo copy an image. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  await succeed("skopeo", ["--insecure-policy", "copy", "--quiet", from, to]);
}

/** The digest that skopeo gives an image. */
export async function skopeoDigest(reference: string): Promise<string> {
  const args = ["inspect", "--format", "{{.Digest}}", reference];
  return (await succeed("skopeo", args)).stdout.trim();
}

/** The demo image as skopeo writes it, by the transport; the reference without a tag. */
export async function demoAs(transport: string, tag = ""): Promise<string> {
  const place = `${transport}:${join(await temporaryDirectory(), "image")}`;
  await skopeoCopy(`${demoImage}:latest`, `${place}${tag}`);
  return place;
}

/** What stands behind the transport of a reference without a tag. */
export function pathOf(reference: string): string {
  return reference.slice(reference.indexOf(":") + 1);
}

/** The demo image as Docker has written it over the years; a directory. */
export async function dockerSaves(): Promise<string> {
  const directory = await temporaryDirectory();
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

/** SHA-256 of files. */
export function filesIn(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map(async (path) =>
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    ),
  );
}
