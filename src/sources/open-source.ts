import { isAbsolute, join } from "node:path";
import { formatReference, homeDirectory, isDigest, parseReference } from "../oci-client/index.js";
import { NetbootError } from "../support/index.js";
import { DirectoryFiles } from "./image-source/file-slice.js";
import type { ImageSource, SourceOptions } from "./image-source/image-source.js";
import { translateError } from "./image-source/translate-error.js";
import { DirSource } from "./local/dir-source.js";
import { DockerArchiveSource } from "./local/docker-archive-source.js";
import { DockerEngine } from "./local/docker-engine.js";
import type { DockerChoice } from "./local/docker-manifest.js";
import { OciLayoutSource } from "./local/oci-layout-source.js";
import { type ArchiveOptions, openArchiveFile, openArchiveStream } from "./local/open-archive.js";
import { isDirectory, isFile, splitDigest, splitTag } from "./local/split-location.js";
import { StandardInputSource } from "./local/standard-input-source.js";
import { RegistrySource } from "./registry/registry-source.js";

/** Makes the source of a reference that is known to be well-formed. */
type Opener = (options: SourceOptions) => ImageSource;

/**
 * The source that a reference names, spelled as skopeo's users do (containers-transports(5)):
 * `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME:TAG|:@INDEX]`,
 * `docker-daemon:NAME[:TAG|@DIGEST]` or `docker-daemon:ID`, `dir:DIR`, `-` for an archive on
 * standard input; anything else is in a registry.
 * @throws NetbootError REFERENCE_INVALID
 */
export function openSource(reference: string, options: SourceOptions): ImageSource {
  return openerOf(reference)(options);
}

/** @throws NetbootError REFERENCE_INVALID where `openSource` would */
export function checkReference(reference: string): void {
  openerOf(reference);
}

/** The registry of a reference that is well-formed; undefined where it names another source. */
export function registryOf(reference: string): string | undefined {
  const transport = /^([a-z-]+):/.exec(reference)?.[1] ?? "";
  if (reference === "-" || Object.hasOwn(transports, transport)) return undefined;
  return parsed(reference.replace(/^docker:\/\//, "")).registry;
}

const transports: Readonly<Record<string, (text: string, reference: string) => Opener>> = {
  oci: ociLayout,
  "oci-archive": ociArchive,
  "docker-archive": dockerArchive,
  "docker-daemon": dockerDaemon,
  dir: (text) => (options) => new DirSource(text, options),
};

function openerOf(reference: string): Opener {
  if (reference === "-") return (options) => new StandardInputSource(options);
  const [, transport = "", text = ""] = /^([a-z-]+):(.*)$/s.exec(reference) ?? [];
  if (transport === "containers-storage") throw cannotRead(reference);
  if (Object.hasOwn(transports, transport)) {
    if (text === "") throw missing(reference, transport);
    return transports[transport]!(text, reference);
  }
  return registry(reference);
}

function ociLayout(text: string, reference: string): Opener {
  const { path: where, tag } = splitDigest(text, isDirectory);
  const files = async () => new DirectoryFiles(where);
  const place = { reference, kind: "OCI layout", where, untagged: `oci:${where}`, tag, files };
  return (options) => new OciLayoutSource(place, options);
}

function ociArchive(text: string, reference: string): Opener {
  const { path: where, tag } = splitDigest(text, isFile);
  const place = { reference, kind: "OCI archive", where, untagged: `oci-archive:${where}`, tag };
  return (options) => {
    const files = () => openArchiveFile(where, archiveOptions(options));
    return new OciLayoutSource({ ...place, files }, options);
  };
}

function dockerArchive(text: string, reference: string): Opener {
  const { path: where, tag } = splitTag(text, isFile);
  const choice = tag === undefined ? undefined : dockerChoice(tag, reference);
  const place = { reference, where, untagged: `docker-archive:${where}`, choice };
  return (options) => {
    const files = () => openArchiveFile(where, archiveOptions(options));
    return new DockerArchiveSource({ ...place, files }, options);
  };
}

function dockerDaemon(text: string, reference: string): Opener {
  const name = daemonName(text);
  const place = { reference, where: `of the image ${name}`, untagged: undefined };
  return (options) => {
    const files = async () => {
      const engine = await DockerEngine.connect(options.signal);
      const bytes = await engine.save(name);
      return openArchiveStream(bytes, place.where, archiveOptions(options));
    };
    return new DockerArchiveSource({ ...place, files }, options);
  };
}

function registry(reference: string): Opener {
  // `docker://` is how skopeo's users begin it.
  const name = reference.replace(/^docker:\/\//, "");
  if (/^\.{0,2}\//.test(name)) throw isPath(name);
  parsed(name);
  return (options) => new RegistrySource(name, options);
}

/** A name with a tag or a digest, without which a daemon would hand out all tags; or an ID. */
function daemonName(text: string): string {
  if (isDigest(text)) return text;
  const { tag, digest } = parsed(text);
  const isTagged = digest !== undefined || text.endsWith(`:${tag}`);
  return isTagged ? text : `${text}:latest`;
}

function dockerChoice(text: string, reference: string): DockerChoice {
  const index = /^@(\d{1,4})$/.exec(text)?.[1];
  if (index !== undefined) return { index: Number(index) };
  const name = parsed(text);
  if (name.digest === undefined) return { reference: formatReference(name) };
  throw new NetbootError(
    "REFERENCE_INVALID",
    `The reference ${reference} names a digest, and archives of docker save have none.`,
    "Name the image by a tag (docker-archive:FILE:NAME:TAG) or by its number (docker-archive:FILE:@0).",
  );
}

function parsed(name: string) {
  try {
    return parseReference(name);
  } catch (error) {
    throw translateError(error);
  }
}

function archiveOptions({ scratchDirectory, signal, onNotice }: SourceOptions): ArchiveOptions {
  return { scratch: scratchDirectory, signal, onNotice };
}

function cannotRead(reference: string): NetbootError {
  return new NetbootError(
    "REFERENCE_INVALID",
    "Images cannot be read from containers-storage: itself.",
    `Copy the image first: skopeo copy ${reference} oci:DIR:TAG`,
  );
}

function isPath(path: string): NetbootError {
  return new NetbootError(
    "REFERENCE_INVALID",
    `The reference ${path} is a path, and does not say what lies there.`,
    isDirectory(path)
      ? `Write oci:${path} for an OCI layout, or dir:${path} for what skopeo copied to a directory.`
      : `Write oci-archive:${path}, or docker-archive:${path} for what docker save made.`,
  );
}

function missing(reference: string, transport: string): NetbootError {
  return new NetbootError(
    "REFERENCE_INVALID",
    `The reference ${reference} says where the image is, but not which.`,
    `Write what is meant after ${transport}:, as in oci-archive:image.tar.`,
  );
}

/** `kairos-netboot` in the user's cache directory (XDG Base Directory Specification). */
export function defaultCacheDirectory(): string {
  const ofUser = process.env.XDG_CACHE_HOME;
  // The specification wants relative ones to be passed over.
  const base = ofUser && isAbsolute(ofUser) ? ofUser : join(homeDirectory(), ".cache");
  return join(base, "kairos-netboot");
}
