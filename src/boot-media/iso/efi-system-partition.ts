import { stat } from "node:fs/promises";
import { requireProgram, runProgram } from "../../support/index.js";

const sectorSize = 512;
/** Sectors of a track times heads: images of whole cylinders need no further word. */
const cylinder = 32 * 2;

export interface EspOptions {
  /** Names in the file system, with slashes, and the files that go there. */
  readonly files: ReadonlyMap<string, string>;
  readonly image: string;
  /** Seconds since 1970: what all times in it are. */
  readonly time: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the FAT file system that UEFI firmware boots from, with mtools. Nothing of it depends on
 * when or by whom it is made.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED
 */
export async function makeEsp({ files, image, time, signal }: EspOptions): Promise<void> {
  const [mformat, mmd, mcopy] = await Promise.all(
    ["mformat", "mmd", "mcopy"].map((name) => requireProgram(name, "mtools")),
  );
  const env = { SOURCE_DATE_EPOCH: String(time), MTOOLS_SKIP_CHECK: "1", MTOOLSRC: "/dev/null" };
  const run = (path: string, args: readonly string[]) =>
    runProgram(path, ["-i", image, ...args], { env, signal });
  const sectors = await sectorsFor([...files.values()]);
  const geometry = ["-T", String(sectors), "-h", "2", "-s", "32"];
  // A serial number would be made of the time.
  await run(mformat!, ["-C", ...geometry, "-N", "00000000", "::"]);
  for (const directory of directoriesOf([...files.keys()])) await run(mmd!, [`::/${directory}`]);
  for (const [name, path] of files) await run(mcopy!, [path, `::/${name}`]);
}

/** Room for the files, and some for the tables, in whole mebibytes. */
async function sectorsFor(paths: readonly string[]): Promise<number> {
  let size = 512 * 1024;
  for (const path of paths) size += (await stat(path)).size + 32 * 1024;
  const mebibytes = Math.ceil(size / (1024 * 1024));
  return Math.ceil((mebibytes * 1024 * 1024) / sectorSize / cylinder) * cylinder;
}

/** Parents first. */
function directoriesOf(names: readonly string[]): string[] {
  const directories = new Set<string>();
  for (const name of names) {
    const parts = name.split("/").slice(0, -1);
    for (let count = 1; count <= parts.length; count += 1) {
      directories.add(parts.slice(0, count).join("/"));
    }
  }
  return [...directories];
}
