import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { succeed } from "../../extract/support/run-netboot.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";

/** A package as rpm itself lists it. */
interface ListedPackage {
  readonly name: string;
  readonly epoch: string;
  readonly version: string;
  readonly arch: string;
  readonly license: string;
}

const packages = 60;

export interface RpmRoot {
  /** The path of rpm's database. */
  readonly database: string;
  readonly listed: readonly ListedPackage[];
}

/** Packages made by rpmbuild and installed by rpm: enough for a database of many pages. */
export async function rpmRoot(): Promise<RpmRoot> {
  const directory = await sharedDirectory();
  const spec = join(directory, "sample.spec");
  await writeFile(spec, specification());
  const define = (name: string, value: string) => ["--define", `${name} ${value}`];
  await succeed("rpmbuild", [
    "-bb",
    "--quiet",
    ...define("_topdir", join(directory, "build")),
    // Else one is made at home.
    ...define("_dbpath", join(directory, "no-packages")),
    ...define("_rpmdir", join(directory, "rpms")),
    ...define("_build_name_fmt", "%%{NAME}.rpm"),
    spec,
  ]);
  const root = join(directory, "root");
  const inRoot = ["--root", root, "--dbpath", "/var/lib/rpm"];
  await succeed("sh", [
    "-euc",
    'mkdir -p "$0"; exec rpm "$@"/*.rpm',
    root,
    ...[...inRoot, "-i", "--nodeps", "--nosignature", "--force-debian"],
    join(directory, "rpms"),
  ]);
  const format = "%{NAME}\\t%{EPOCH}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{LICENSE}\\n";
  const { stdout } = await succeed("rpm", [...inRoot, "-qa", "--qf", format]);
  const listed = stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [name, epoch, version, arch, license] = line.split("\t");
      return { name: name!, epoch: epoch!, version: version!, arch: arch!, license: license! };
    });
  return { database: join(root, "var/lib/rpm/rpmdb.sqlite"), listed };
}

/** Descriptions of up to 12 kB do not fit into a page of the database. */
function specification(): string {
  const head = `Name: sample\nVersion: 1.2.3~rc1\nRelease: 4.test^2\nEpoch: 2\nSummary: A sample
License: GPLv2+ and (MIT or BSD)\nURL: https://example.org/sample\nBuildArch: noarch
%description\nA sample\n%files\n`;
  const parts = [head];
  for (let number = 1; number < packages; number += 1) {
    const license = number % 2 === 0 ? "MIT" : "Public Domain";
    parts.push(
      `%package -n Part-${number}+x\nSummary: x\nLicense: ${license}\nVersion: ${number}.0\nEpoch: 0
%description -n Part-${number}+x\n${"word ".repeat(number * 40)}\n%files -n Part-${number}+x\n`,
    );
  }
  return parts.join("\n");
}
