import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { inOwnNetwork } from "../cli/support/own-network.js";
import { runCommand } from "../extract/support/run-command.js";
import { succeed } from "../extract/support/run-netboot.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";

/** See testdata/published/build.sh. */
const published = join(checkout, "testdata/published/0.1.0");
const name = "kairos-demo-1-core-amd64-generic-v0.1.0";

type Json = Record<string, Record<string, unknown>>;

/** A copy with another netboot.json, with the checksums that belong to it, and without some files. */
async function copyWith(
  change: (netbootJson: Json) => void,
  removed: readonly string[] = [],
): Promise<string> {
  const directory = join(await sharedDirectory(), "copy");
  await cp(published, directory, { recursive: true });
  const path = join(directory, "netboot.json");
  const netbootJson = JSON.parse(await readFile(path, "utf8")) as Json;
  change(netbootJson);
  await writeFile(path, JSON.stringify(netbootJson));
  for (const file of removed) await rm(join(directory, file));
  // It states the checksum of netboot.json.
  await rm(join(directory, "provenance.json"));
  await rm(join(directory, "SHA256SUMS"));
  await succeed("sh", ["-c", "sha256sum -- * > .sums; mv .sums SHA256SUMS"], directory);
  return directory;
}

/** Directories that other versions of the program published. */
const directories: Readonly<Record<string, () => Promise<string>>> = {
  "version 0.1.0 published": async () => published,
  "a version with other options published": () =>
    copyWith(({ options }) => {
      delete options?.sbom;
      Object.assign(options ?? {}, { later: { nested: true }, iso: "another form" });
    }),
  "a version that states the required members only published": () =>
    copyWith(
      (netbootJson) => {
        const { files } = netbootJson;
        for (const member of ["kairos", "kernel", "initrd", "squashfs", "created"]) {
          delete netbootJson[member];
        }
        delete files?.script;
        delete netbootJson.program?.version;
        netbootJson.options = { url: "http://192.168.1.10/kairos" };
      },
      [`${name}.ipxe`],
    ),
  "a version with another kind of file published": () =>
    copyWith(({ files, ...others }) => {
      Object.assign(files ?? {}, { shim: files?.kernel, notes: ["not a file"] });
      Object.assign(others, { signer: "later" });
    }),
};

for (const [who, make] of Object.entries(directories)) {
  describe(`a directory that ${who}`, () => {
    let directory: string;
    before(async () => {
      directory = await make();
    });

    it("passes verify", async () => {
      const { status, stdout } = await runCommand(["verify", directory], { cwd: "/" });
      assert.equal(status, 0, stdout);
      assert.match(stdout, /^ok +description: netboot\.json/m);
    });

    it("is served", async () => {
      const output = await inOwnNetwork(
        `$netboot serve ${directory} --listen 10.9.8.7 --check 2>&1; echo status $?`,
      );
      assert.match(output, new RegExp(`^ok +${name} for amd64 is complete`, "m"));
      assert.match(output, /^status 0$/m);
    });

    it("becomes a boot ISO", async () => {
      const iso = join(await sharedDirectory(), "boot.iso");
      const { status, stderr } = await runCommand(["iso", directory, "-o", iso], { cwd: "/" });
      assert.equal(status, 0, stderr);
    });

    it("can be replaced by extract", async () => {
      const output = join(await sharedDirectory(), "out");
      await cp(directory, output, { recursive: true });
      const image = `oci:${join(checkout, "testdata/demo-image")}`;
      const args = ["extract", image, "-o", output, "--platform", "linux/amd64", "--no-cache"];
      const { status, stderr } = await runCommand(args, { cwd: output });
      assert.equal(status, 0, stderr);
    });
  });
}
