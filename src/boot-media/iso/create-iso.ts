import { mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { artifactNames, checkReleaseUrl } from "../../artifacts/index.js";
import { diskFull, NetbootError, systemCode, usageError } from "../../support/index.js";
import { readIsoRelease } from "./iso-release.js";
import { ensureIsoIsPossible, makeReleaseIso } from "./release-iso.js";
import { makeWaitingIso } from "./waiting-iso.js";

export interface IsoOptions {
  /** What `extract` made, or one of Kairos' old releases; none where the ISO asks the network. */
  readonly directory?: string | undefined;
  /** The file to make or to replace; in the current directory by default. */
  readonly output?: string | undefined;
  /** Address of the directory on a web server; what the directory was made for by default. */
  readonly url?: string | undefined;
  /** True for an ISO that asks the network for a boot server. */
  readonly waitForServer?: boolean | undefined;
  /** Where boot programs are looked for before those of Debian's packages. */
  readonly ipxeDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a boot ISO. It is there whole, or what was there stays as it was.
 * @returns the path of the file
 * @throws NetbootError USAGE_INVALID, RELEASE_INVALID, PROGRAM_MISSING, PROGRAM_FAILED,
 *   OUTPUT_NOT_WRITABLE, INTERRUPTED
 */
export async function iso(options: IsoOptions): Promise<string> {
  const { directory, ipxeDirectory, signal } = options;
  checkUsage(options);
  if (directory === undefined) {
    const output = options.output ?? "kairos-netboot.iso";
    return staged(output, (place) => makeWaitingIso({ ...place, ipxeDirectory, signal }));
  }
  const { release, url: ownUrl } = await readIsoRelease(directory);
  const url = options.url === undefined ? ownUrl : checkReleaseUrl(options.url);
  if (url === null) throw urlMissing();
  await ensureIsoIsPossible({ ...release, url, ipxeDirectory });
  const output = options.output ?? artifactNames(release.name).iso;
  return staged(output, (place) =>
    makeReleaseIso({ ...place, release, url, ipxeDirectory, signal }),
  );
}

function checkUsage({ directory, url, waitForServer = false, output }: IsoOptions): void {
  if (output === "") throw usageError("--output is empty.", "Name a file: -o boot.iso");
  if (!waitForServer && directory === undefined) throw urlMissing();
  if (!waitForServer) return;
  if (directory === undefined && url === undefined) return;
  throw usageError(
    "With --wait-for-server an ISO is for no release: it boots what the network's boot server says.",
    "Leave the directory and --url out, or --wait-for-server.",
  );
}

/** Beside the output, and then in its place. */
async function staged(
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
    throw notWritable(error, output);
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

function notWritable(error: unknown, output: string): unknown {
  if (error instanceof NetbootError || systemCode(error) === undefined) return error;
  const full = diskFull(error, `the place of ${output}`);
  if (full !== error) return full;
  return new NetbootError(
    "OUTPUT_NOT_WRITABLE",
    `The file ${output} cannot be written (${systemCode(error)}).`,
    "Choose another file with --output.",
    { cause: error },
  );
}

function urlMissing(): NetbootError {
  return usageError(
    "A boot ISO has to know where the release's files are, or to ask the network for them.",
    "Say where a web server has them: kairos-netboot iso DIR --url http://192.168.1.10/kairos; or make one for any boot server: kairos-netboot iso --wait-for-server",
  );
}
