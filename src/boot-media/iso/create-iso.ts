import { mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { artifactNames, checkReleaseUrl, outputNotWritable } from "../../artifacts/index.js";
import { type NetbootError, usageError } from "../../support/index.js";
import { readIsoRelease } from "./iso-release.js";
import { checkIsoRequirements, makeReleaseIso } from "./release-iso.js";
import { makeWaitingIso } from "./waiting-iso.js";

export interface CreateIsoOptions {
  /** A directory that `extract` made, or one with a Kairos release. Omit it with `waitForServer`. */
  readonly directory?: string | undefined;
  /** The file to make or to replace. Default: NAME-ipxe.iso or kairos-netboot.iso. */
  readonly output?: string | undefined;
  /** URL of the directory on a web server. Default: the `url` that `extract` was called with. */
  readonly url?: string | undefined;
  /** Makes an ISO that boots what a boot server on the network offers. Default: false. */
  readonly waitForServer?: boolean | undefined;
  /** A directory with iPXE programs, which have precedence over those of Debian's package. */
  readonly ipxeDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a boot ISO. If that fails, an existing file stays as it was.
 * @returns the path of the file
 * @throws NetbootError USAGE_INVALID, RELEASE_INVALID, PROGRAM_MISSING, PROGRAM_FAILED,
 *   OUTPUT_NOT_WRITABLE, INTERRUPTED
 */
export async function createIso(options: CreateIsoOptions): Promise<string> {
  const { directory, ipxeDir, signal } = options;
  checkUsage(options);
  if (directory === undefined) {
    const output = options.output ?? "kairos-netboot.iso";
    return writeStaged(output, (place) => makeWaitingIso({ ...place, ipxeDir, signal }));
  }
  const { release, url: ownUrl } = await readIsoRelease(directory);
  const url = options.url === undefined ? ownUrl : checkReleaseUrl(options.url);
  if (url === null) throw urlMissing();
  await checkIsoRequirements({ ...release, url, ipxeDir });
  const output = options.output ?? artifactNames(release.name).iso;
  return writeStaged(output, (place) =>
    makeReleaseIso({ ...place, release, url, ipxeDir, signal }),
  );
}

function checkUsage({ directory, url, waitForServer = false, output }: CreateIsoOptions): void {
  if (output === "") throw usageError("--output is empty.", "Name a file: -o boot.iso");
  if (!waitForServer && directory === undefined) throw urlMissing();
  if (!waitForServer) return;
  if (directory === undefined && url === undefined) return;
  throw usageError(
    "An ISO with --wait-for-server boots what the network's boot server offers, not a release.",
    "Omit either the directory and --url, or --wait-for-server.",
  );
}

/** Makes a file next to the output, then renames it. */
async function writeStaged(
  output: string,
  make: (place: { path: string; scratch: string }) => Promise<void>,
): Promise<string> {
  const destination = resolve(output);
  const place = dirname(destination);
  let scratch: string | undefined;
  try {
    scratch = await mkdtemp(join(place, ".kairos-netboot-iso-"));
    const path = join(scratch, basename(destination));
    await make({ path, scratch: await mkdtemp(join(scratch, "scratch-")) });
    await rename(path, destination);
    return output;
  } catch (error) {
    throw outputNotWritable(error, {
      what: `file ${output}`,
      place,
      hint: "Choose another file with --output.",
    });
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

function urlMissing(): NetbootError {
  return usageError(
    "A boot ISO needs the URL of the release's files, or --wait-for-server.",
    "Give the URL of the files on a web server: kairos-netboot iso DIR --url http://192.168.1.10/kairos; or make an ISO for any boot server: kairos-netboot iso --wait-for-server",
  );
}
