import { type ImageTree, parseOsRelease } from "../kairos/index.js";
import type { Inode } from "../layers/index.js";
import { parseApkInstalled } from "./apk.js";
import { parseDpkgStatus } from "./dpkg.js";
import { type InstalledPackage, PackageDatabaseError, type PackageList } from "./package.js";
import { parseRpmHeader } from "./rpm-header.js";
import { ndbHeaders } from "./rpm-ndb.js";
import { SqliteDatabase } from "./rpm-sqlite.js";

/** The databases of large images take about 200 MB. */
const maxDatabaseBytes = 1024 ** 3;
const maxStatusFiles = 10_000;
const maxOsReleaseBytes = 1024 * 1024;

const dpkgStatus = "/var/lib/dpkg/status";
const dpkgDirectory = "/var/lib/dpkg/status.d";
const apkInstalled = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
const rpmDirectories = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];

/** True for a file that `readPackages` may read, so that its contents are worth keeping. */
export function isPackageDatabase(path: string, size: number): boolean {
  if (size > maxDatabaseBytes) return false;
  return (
    /^var\/lib\/dpkg\/status(?:\.d\/[^/]+)?$/.test(path) ||
    /^(?:usr\/)?lib\/apk\/db\/installed$/.test(path) ||
    /^(?:usr\/lib\/sysimage|var\/lib)\/rpm\/(?:rpmdb\.sqlite(?:-wal)?|Packages\.db)$/.test(path)
  );
}

/**
 * Reads the databases of dpkg, apk and rpm (SQLite and ndb) in an image.
 * @param read returns the contents of a file
 */
export async function readPackages(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
): Promise<PackageList> {
  const packages: InstalledPackage[] = [];
  const databases: string[] = [];
  const problems: string[] = [];
  const seen = new Set<Inode>();
  const contents = async (path: string): Promise<Buffer | undefined> => {
    const inode = tree.file(path)?.inode;
    if (inode === undefined || seen.has(inode) || inode.entry.size > maxDatabaseBytes)
      return undefined;
    seen.add(inode);
    return read(inode);
  };
  const take = async (path: string, parse: (bytes: Buffer) => Iterable<InstalledPackage>) => {
    const bytes = await contents(path);
    if (bytes === undefined) return;
    databases.push(path);
    try {
      for (const found of parse(bytes)) packages.push(found);
    } catch (error) {
      if (!(error instanceof PackageDatabaseError)) throw error;
      problems.push(`${path} ${error.message}`);
    }
  };

  await take(dpkgStatus, (bytes) => parseDpkgStatus(bytes.toString("utf8")));
  for (const name of tree.list(dpkgDirectory).slice(0, maxStatusFiles)) {
    if (name.endsWith(".md5sums")) continue;
    await take(`${dpkgDirectory}/${name}`, (bytes) => parseDpkgStatus(bytes.toString("utf8")));
  }
  for (const path of apkInstalled) {
    await take(path, (bytes) => parseApkInstalled(bytes.toString("utf8")));
  }
  for (const directory of rpmDirectories) {
    const log = await contents(`${directory}/rpmdb.sqlite-wal`);
    await take(`${directory}/rpmdb.sqlite`, (bytes) => rpmsOf(sqliteHeaders(bytes, log)));
    await take(`${directory}/Packages.db`, (bytes) => rpmsOf(ndbHeaders(bytes)));
    if (tree.file(`${directory}/Packages`) !== undefined) {
      problems.push(`${directory}/Packages is a Berkeley DB, which is not supported`);
    }
  }
  return {
    packages: sorted(packages),
    databases: [...databases].sort(),
    problems: [...new Set(problems)],
    distribution: await distributionOf(tree, read),
  };
}

function* sqliteHeaders(bytes: Buffer, log: Buffer | undefined): Generator<Buffer> {
  for (const [, blob] of new SqliteDatabase(bytes, log).rows("Packages")) {
    if (Buffer.isBuffer(blob)) yield blob;
  }
}

function* rpmsOf(headers: Iterable<Buffer>): Generator<InstalledPackage> {
  for (const header of headers) {
    const found = parseRpmHeader(header);
    if (found !== undefined) yield found;
  }
}

/** Sorts by code units and not by a locale, so that the order is the same on every machine. */
function sorted(packages: readonly InstalledPackage[]): InstalledPackage[] {
  const key = (it: InstalledPackage) =>
    [it.type, it.name, it.epoch ?? "", it.version, it.architecture].join("\0");
  const keyed = new Map(packages.map((it) => [key(it), it]));
  return [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, it]) => it);
}

async function distributionOf(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
): Promise<PackageList["distribution"]> {
  const inode = (tree.file("/etc/os-release") ?? tree.file("/usr/lib/os-release"))?.inode;
  const isUsable = inode !== undefined && inode.entry.size <= maxOsReleaseBytes;
  const fields = isUsable ? parseOsRelease(await read(inode)) : new Map<string, string>();
  // Anything else would be a mistake in the file, and break the package URLs.
  const field = (name: string) => /^[\w.-]+$/.exec(fields.get(name) ?? "")?.[0];
  return { id: field("ID") ?? "linux", version: field("VERSION_ID") };
}
