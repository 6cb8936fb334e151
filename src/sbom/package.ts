/** A package that is installed according to the image's own database. */
export interface InstalledPackage {
  /** The type of its package URL. */
  readonly type: "deb" | "rpm" | "apk";
  readonly name: string;
  /** As the package manager prints it, but without the epoch of rpm. */
  readonly version: string;
  /** Of rpm only: in deb, the epoch is part of the version. */
  readonly epoch?: string;
  readonly architecture: string;
  /** As in the database, not necessarily an SPDX expression. */
  readonly license?: string;
  /** Name of the source package, if it differs. */
  readonly source?: string;
  readonly homepage?: string;
}

export interface PackageList {
  /** Sorted by type, name and version. */
  readonly packages: readonly InstalledPackage[];
  /** Paths in the image. */
  readonly databases: readonly string[];
  /** Problems with reading the databases, as sentences for people. */
  readonly problems: readonly string[];
  /** From the image's os-release. */
  readonly distribution: { readonly id: string; readonly version: string | undefined };
}

/** A defect of a package database. The message is a clause after the path: "is damaged". */
export class PackageDatabaseError extends Error {}
