import { parsePlatform } from "../../../src/oci-client/index.js";
import { openSource } from "../../../src/sources/index.js";

/** Resolves a reference to an image on this machine that needs no scratch space. */
export async function resolveReference(reference: string, platform = "amd64") {
  const source = openSource(reference, {
    cacheDirectory: "/nowhere",
    scratchDirectory: "/nowhere",
    concurrency: 1,
    userAgent: "test",
    signal: new AbortController().signal,
  });
  return source.resolve(parsePlatform(platform));
}
