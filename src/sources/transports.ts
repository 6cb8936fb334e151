/**
 * The ways to name an image. This table is the one place that knows them: `parsers` in open-source.ts
 * has a function for each row, which the compiler checks. The command line loads this file alone for
 * its help, so it imports nothing.
 */

export interface ImageTransport {
  /** How users write it, in the spelling of skopeo (containers-transports(5)). */
  readonly syntax: string;
  readonly description: string;
  /**
   * True if a reference names a repository in a registry, so that credentials belong to its host and
   * package URLs name it. Other references mean something only on this machine.
   */
  readonly isRegistry: boolean;
  /** False for a spelling that is recognized only in order to say what to write instead. */
  readonly isSupported: boolean;
}

const local = { isRegistry: false, isSupported: true } as const;
const unsupported = { isRegistry: false, isSupported: false } as const;

/** The keys are what precedes the colon; those in parentheses have no such prefix. */
export const transports = {
  "(registry)": {
    syntax: "REGISTRY/REPOSITORY[:TAG][@DIGEST]",
    description: "an image in a registry",
    isRegistry: true,
    isSupported: true,
  },
  oci: {
    ...local,
    syntax: "oci:DIR[:TAG|:NAME|@DIGEST]",
    description: "an OCI layout in a directory",
  },
  "oci-archive": {
    ...local,
    syntax: "oci-archive:FILE[:TAG|:NAME|@DIGEST]",
    description: "an OCI layout in a tar archive",
  },
  dir: { ...local, syntax: "dir:DIR", description: "a directory that skopeo wrote" },
  "docker-archive": {
    ...local,
    syntax: "docker-archive:FILE[:NAME:TAG|:@INDEX]",
    description: "an archive that docker save wrote",
  },
  "docker-daemon": {
    ...local,
    syntax: "docker-daemon:NAME[:TAG|@DIGEST]",
    description: "an image in a Docker or podman daemon",
  },
  "(standard input)": {
    ...local,
    syntax: "-",
    description: "either archive, on standard input",
  },
  "containers-storage": {
    ...unsupported,
    syntax: "containers-storage:NAME",
    description: "an image in podman's storage",
  },
  "(path)": {
    ...unsupported,
    syntax: "PATH",
    description: "a path without a transport",
  },
} as const satisfies Readonly<Record<string, ImageTransport>>;

export type TransportName = keyof typeof transports;

/** A reference, split at the end of its transport. */
interface SplitReference {
  readonly transport: TransportName;
  /** What follows the transport. */
  readonly rest: string;
}

/** Finds the transport of a reference. Nothing else about the reference is checked. */
export function splitTransport(reference: string): SplitReference {
  if (reference === "-") return { transport: "(standard input)", rest: "" };
  const [, prefix = "", rest = ""] = /^([a-z-]+):(.*)$/s.exec(reference) ?? [];
  if (isTransportName(prefix)) return { transport: prefix, rest };
  // skopeo's spelling of a registry reference.
  const name = reference.replace(/^docker:\/\//, "");
  return { transport: /^\.{0,2}\//.test(name) ? "(path)" : "(registry)", rest: name };
}

function isTransportName(text: string): text is TransportName {
  return Object.hasOwn(transports, text);
}

/** The supported transports other than a registry, one on each line, for help texts. */
export function describeLocalTransports(): string {
  const shown = Object.values<ImageTransport>(transports).filter(
    ({ isSupported, isRegistry }) => isSupported && !isRegistry,
  );
  const width = Math.max(...shown.map(({ syntax }) => syntax.length));
  return shown
    .map(({ syntax, description }) => `  ${syntax.padEnd(width)}  ${description}`)
    .join("\n");
}
