import { type ImageFiles, readSlice } from "../image-source/file-slice.js";
import { isFile } from "./split-location.js";

/** A format in which the files of an image are stored, by the program that writes it. */
type ImageFormat = "docker save" | "skopeo dir" | "OCI layout";

/** What to write for a directory or an archive in each format. */
const hints: Readonly<Record<ImageFormat, { readonly directory: Hint; readonly archive: Hint }>> = {
  "docker save": {
    directory: (path) =>
      `It is an unpacked archive of docker save; pack it with tar -C ${path} -cf FILE . and write docker-archive:FILE`,
    archive: (path) => `docker save wrote this archive; write docker-archive:${path}`,
  },
  "skopeo dir": {
    directory: (path) => `skopeo wrote this directory; write dir:${path}`,
    archive: () => "It contains a directory that skopeo wrote; unpack it and write dir:DIR",
  },
  "OCI layout": {
    directory: (path) => `It is an OCI layout; write oci:${path}`,
    archive: (path) => `It is an OCI archive; write oci-archive:${path}`,
  },
};

type Hint = (path: string) => string;

const maxManifestBytes = 4 * 1024 * 1024;

/**
 * Says how to read files that are not what the user said.
 * @param path of the directory or archive, or of something else that was given as one
 * @param said `wrong`: the format in which the files are not
 * @returns undefined if the files are in no other known format
 */
export async function otherFormatHint(
  files: ImageFiles,
  path: string,
  { wrong, container }: { wrong?: ImageFormat; container: "directory" | "archive" },
): Promise<string | undefined> {
  if (container === "directory" && isFile(path)) {
    return `It is a file; write oci-archive:${path}, or docker-archive:${path} if docker save wrote it`;
  }
  const format = await identifyFormat(files);
  return format === undefined || format === wrong ? undefined : hints[format][container](path);
}

/** An archive of Docker 25 or later is also an OCI layout; it counts as an archive of docker save. */
async function identifyFormat(files: ImageFiles): Promise<ImageFormat | undefined> {
  try {
    const manifest = files.find("manifest.json");
    if (manifest === undefined) {
      return files.find("index.json") === undefined ? undefined : "OCI layout";
    }
    const document: unknown = JSON.parse((await readSlice(manifest, maxManifestBytes)).toString());
    return Array.isArray(document) ? "docker save" : "skopeo dir";
  } catch {
    // The reason why the files cannot be read at all is another error.
    return undefined;
  }
}
