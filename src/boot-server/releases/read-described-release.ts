import { join, resolve } from "node:path";
import { type NetbootJson, netbootJsonName } from "../../artifacts/index.js";
import { readCloudConfig } from "../../kairos/index.js";
import { NetbootError } from "../../support/index.js";
import type { BeforeRead } from "../files/file-snapshot.js";
import { readServedFile, type ServedFile } from "../files/served-file.js";
import { type Release, releaseId } from "./release.js";

/**
 * Reads the release that `extract` published in a directory.
 * @throws NetbootError RELEASE_INVALID if files are missing or have the wrong size
 */
export async function readDescribedRelease(
  directory: string,
  netbootJson: NetbootJson,
  beforeRead: BeforeRead,
): Promise<Release> {
  requireScriptable(netbootJson, directory);
  const { name, commandLine, files, source } = netbootJson;
  const served = (role: "kernel" | "initrd" | "squashfs") =>
    describedFile(directory, files[role], role, beforeRead);
  const bootFiles = {
    kernel: await served("kernel"),
    initrd: await served("initrd"),
    squashfs: await served("squashfs"),
  };
  const config = files.cloudConfig;
  return {
    name,
    id: releaseId(bootFiles),
    architecture: source.platform.split("/")[1] ?? "",
    ...bootFiles,
    commandLine,
    cloudConfig: config && (await cloudConfigAt(join(directory, config.name), beforeRead)),
  };
}

const publishAgain = "Publish the directory again: kairos-netboot extract, with --force.";

/** The name and the command line become part of an iPXE script. */
function requireScriptable({ name, commandLine }: NetbootJson, directory: string): void {
  if (!/^[\w.+-]+$/.test(name)) {
    throw new NetbootError(
      "RELEASE_INVALID",
      `The release in ${directory} has the name "${name}", which an iPXE script cannot contain.`,
      "Publish it again with a name of letters, digits and . + - _: extract --name",
    );
  }
  if (/[\p{Cc}\u2028\u2029]/u.test(commandLine)) {
    throw new NetbootError(
      "RELEASE_INVALID",
      `The ${netbootJsonName} in ${directory} has a command line that an iPXE script cannot contain.`,
      publishAgain,
    );
  }
}

async function describedFile(
  directory: string,
  { name, size, sha256 }: { readonly name: string; readonly size: number; readonly sha256: string },
  role: "kernel" | "initrd" | "squashfs",
  beforeRead: BeforeRead,
): Promise<ServedFile> {
  const path = resolve(join(directory, name));
  await beforeRead(path);
  const file = await readServedFile(path, name, role);
  if (file?.size === size) return { ...file, etag: `"${sha256}"` };
  throw new NetbootError(
    "RELEASE_INVALID",
    file === undefined
      ? `The file ${path} is missing.`
      : `The file ${path} has ${file.size} bytes instead of ${size}.`,
    publishAgain,
  );
}

async function cloudConfigAt(path: string, beforeRead: BeforeRead): Promise<{ text: string }> {
  await beforeRead(path);
  return { text: (await readCloudConfig(path)).toString("utf8") };
}
