import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { type ExtractOptions, extract } from "../../../src/extract/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { addImage, noise } from "../../extract/support/images.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";

/** An image with a small and a large layer, for `serveImage`. */
export const content = new ImageContent();
export const image = addImage(content, [baseLayer, [noise("noise", 300_000)]]);
export const layers: { digest: string; size: number }[] = content.json(image).layers;
export const large = layers[1]!;

/** Extracts an image into a new directory, without trying anything again unless the options say so. */
export async function extractImage(reference: string, options: Partial<ExtractOptions>) {
  const output = join(await temporaryDirectory(), "out");
  return extract({ image: reference, output, platform: "amd64", retryTimeout: "0", ...options });
}

/** The number of requests for a blob. */
export function countOf(requests: readonly IncomingMessage[], digest: string): number {
  return requests.filter(({ url }) => url!.endsWith(digest)).length;
}

/** A check for `assert.rejects`. */
export function isUnavailable(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.exitStatus, 3);
    return true;
  };
}
