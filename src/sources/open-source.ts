import { formatReference, isDigest, parseReference, type Reference } from "../oci-client/index.js";
import { NetbootError } from "../support/index.js";
import { DirectoryFiles } from "./image-source/file-slice.js";
import type { ImageSource, SourceOptions } from "./image-source/image-source.js";
import { translateError } from "./image-source/translate-error.js";
import { DirSource } from "./local/dir-source.js";
import { DockerArchiveSource } from "./local/docker-archive-source.js";
import type { DockerChoice } from "./local/docker-choice.js";
import { DockerEngine } from "./local/docker-engine.js";
import { OciLayoutSource } from "./local/oci-layout-source.js";
import { type ArchiveOptions, openArchiveFile, openArchiveStream } from "./local/open-archive.js";
import { isDirectory, isFile, splitDigest, splitTag } from "./local/split-location.js";
import { StandardInputSource } from "./local/standard-input-source.js";
import { RegistrySource } from "./registry/registry-source.js";
import type { RegistrySourceOptions } from "./registry/registry-source-options.js";
import {
  type ImageTransport,
  splitTransport,
  type TransportName,
  transports,
} from "./transports.js";

/** Makes the source of a reference that is known to be well-formed. */
type Opener = (options: RegistrySourceOptions) => ImageSource;

/**
 * Checks a reference of one transport, and says how to open it.
 * @param rest what follows the transport
 * @throws NetbootError REFERENCE_INVALID
 */
type Parser = (rest: string, reference: string) => Opener;

const parsers: { readonly [Name in TransportName]: Parser } = {
  "(registry)": parseRegistry,
  oci: parseOciLayout,
  "oci-archive": parseOciArchive,
  dir: (directory) => (options) => new DirSource(directory, options),
  "docker-archive": parseDockerArchive,
  "docker-daemon": parseDockerDaemon,
  "(standard input)": () => (options) => new StandardInputSource(options),
  "containers-storage": refuseContainersStorage,
  "(path)": refusePath,
};

/**
 * Opens the source that a reference names, in one of the spellings of `transports`.
 * @throws NetbootError REFERENCE_INVALID
 */
export function openSource(reference: string, options: RegistrySourceOptions): ImageSource {
  return parse(reference)(options);
}

/** @throws NetbootError REFERENCE_INVALID if `openSource` would throw it */
export function checkReference(reference: string): void {
  parse(reference);
}

/**
 * The repository that a reference names, with tag or digest; undefined if it names another source, or
 * is not well-formed.
 */
export function repositoryOf(reference: string): Reference | undefined {
  const { transport, rest } = splitTransport(reference);
  if (!transports[transport].isRegistry) return undefined;
  try {
    return parseReference(rest);
  } catch {
    return undefined;
  }
}

function parse(reference: string): Opener {
  const { transport, rest } = splitTransport(reference);
  const isIncomplete = rest === "" && reference.endsWith(":") && transports[transport].isSupported;
  if (isIncomplete) throw missingText(reference, transports[transport]);
  return parsers[transport](rest, reference);
}

function parseOciLayout(text: string, reference: string): Opener {
  const { path: where, tag } = splitDigest(text, isDirectory);
  const files = async () => new DirectoryFiles(where);
  const location = {
    reference,
    kind: "OCI layout" as const,
    where,
    untagged: `oci:${where}`,
    tag,
    files,
  };
  return (options) => new OciLayoutSource(location, options);
}

function parseOciArchive(text: string, reference: string): Opener {
  const { path: where, tag } = splitDigest(text, isFile);
  const location = {
    reference,
    kind: "OCI archive" as const,
    where,
    untagged: `oci-archive:${where}`,
    tag,
  };
  return (options) => {
    const files = () => openArchiveFile(where, archiveOptions(options));
    return new OciLayoutSource({ ...location, files }, options);
  };
}

function parseDockerArchive(text: string, reference: string): Opener {
  const { path: where, tag } = splitTag(text, isFile);
  const choice = tag === undefined ? undefined : parseDockerChoice(tag, reference);
  const location = { reference, where, untagged: `docker-archive:${where}`, choice };
  return (options) => {
    const files = () => openArchiveFile(where, archiveOptions(options));
    return new DockerArchiveSource({ ...location, files }, options);
  };
}

function parseDockerDaemon(text: string, reference: string): Opener {
  const name = daemonName(text);
  const location = { reference, where: `of the image ${name}`, untagged: undefined };
  return (options) => {
    const files = async () => {
      const engine = await DockerEngine.connect(options.signal);
      const bytes = await engine.save(name);
      return openArchiveStream(bytes, location.where, archiveOptions(options));
    };
    return new DockerArchiveSource({ ...location, files }, options);
  };
}

function parseRegistry(name: string): Opener {
  parseName(name);
  return (options) => new RegistrySource(name, options);
}

/** An ID, or a name with a tag or a digest: without one, a daemon would export all tags. */
function daemonName(text: string): string {
  if (isDigest(text)) return text;
  const { tag, digest } = parseName(text);
  const isTagged = digest !== undefined || text.endsWith(`:${tag}`);
  return isTagged ? text : `${text}:latest`;
}

function parseDockerChoice(text: string, reference: string): DockerChoice {
  const index = /^@(\d{1,4})$/.exec(text)?.[1];
  if (index !== undefined) return { index: Number(index) };
  const name = parseName(text);
  if (name.digest === undefined) return { reference: formatReference(name) };
  throw new NetbootError(
    "REFERENCE_INVALID",
    `The reference ${reference} contains a digest, but archives of docker save have no digests.`,
    "Select the image by its tag (docker-archive:FILE:NAME:TAG) or by its number (docker-archive:FILE:@0).",
  );
}

function parseName(name: string): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    throw translateError(error);
  }
}

function archiveOptions({ scratchDirectory, signal, onNotice }: SourceOptions): ArchiveOptions {
  return { scratchDirectory, signal, onNotice };
}

function refuseContainersStorage(_rest: string, reference: string): never {
  throw new NetbootError(
    "REFERENCE_INVALID",
    "Reading images from containers-storage: is not supported.",
    `Copy the image first: skopeo copy ${reference} oci:DIR:TAG`,
  );
}

function refusePath(path: string): never {
  throw new NetbootError(
    "REFERENCE_INVALID",
    `The reference ${path} is a path without a transport.`,
    isDirectory(path)
      ? `Write oci:${path} for an OCI layout, or dir:${path} for a directory that skopeo wrote.`
      : `Write oci-archive:${path}, or docker-archive:${path} for an archive that docker save wrote.`,
  );
}

function missingText(reference: string, { syntax }: ImageTransport): NetbootError {
  return new NetbootError(
    "REFERENCE_INVALID",
    `The reference ${reference} has nothing after the colon.`,
    `Write ${syntax}.`,
  );
}
