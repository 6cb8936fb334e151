import { text } from "node:stream/consumers";
import { checkReference } from "../sources/index.js";
import { NetbootError, readSmallFile, systemCode } from "../support/index.js";

const maxListBytes = 4 * 1024 * 1024;

async function textOf(path: string): Promise<string> {
  return (await readSmallFile(path, maxListBytes)).toString("utf8");
}

/**
 * Reads a list of images, one per line. A `#` at the beginning of a line or after a blank starts a
 * comment.
 * @param path `-` for standard input
 * @throws NetbootError USAGE_INVALID, REFERENCE_INVALID with the line
 */
export async function readImageList(path: string): Promise<string[]> {
  const content = await (path === "-" ? text(process.stdin) : textOf(path)).catch(
    (cause: unknown) => {
      throw new NetbootError(
        "USAGE_INVALID",
        `The list ${path} cannot be read (${systemCode(cause) ?? cause}).`,
        "Name a file with one image per line.",
        { cause },
      );
    },
  );
  const images: string[] = [];
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    const image = line.replace(/(^|\s)#.*$/, "").trim();
    if (image === "") continue;
    try {
      checkReference(image);
    } catch (error) {
      if (!(error instanceof NetbootError)) throw error;
      const place = `${path}, line ${index + 1}`;
      throw new NetbootError(error.code, `${place}: ${error.message}`, error.hint, {
        cause: error,
      });
    }
    images.push(image);
  }
  if (images.length > 0) return images;
  throw new NetbootError(
    "USAGE_INVALID",
    `The list ${path} contains no image.`,
    "Write one image per line: quay.io/kairos/hadron:v0.5.1-core-amd64-generic-v4.3.0",
  );
}
