/** One package that an image's own database says is installed. */
export interface InstalledPackage {
  /** The type of its purl. */
  readonly type: "deb" | "rpm" | "apk";
  readonly name: string;
  /** As the package manager prints it, without an epoch. */
  readonly version: string;
  /** In rpm a number of its own; deb has it in the version. */
  readonly epoch?: string;
  readonly architecture: string;
  /** In whatever words the database has. */
  readonly license?: string;
  /** What it was built from, if that has another name. */
  readonly source?: string;
  readonly homepage?: string;
}

export interface PackageList {
  /** By name, then by version. */
  readonly packages: readonly InstalledPackage[];
  /** Paths in the image. */
  readonly databases: readonly string[];
  /** What could not be read, for people. */
  readonly problems: readonly string[];
  /** From the image's os-release. */
  readonly distribution: { readonly id: string; readonly version: string | undefined };
}

/** What is wrong with a database, after "it". */
export class PackageDatabaseError extends Error {}
