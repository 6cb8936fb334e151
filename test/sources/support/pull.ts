/**
 * A program that fetches the layers of an image into a cache: `node pull.js REFERENCE CACHE`. It gives
 * signs of life, and misses those of others, much sooner than kairos-netboot does.
 */
import { parsePlatform } from "../../../src/oci-client/index.js";
import { openSource } from "../../../src/sources/index.js";

const [reference = "", cacheDirectory = ""] = process.argv.slice(2);
const source = openSource(reference, {
  cacheDirectory,
  scratchDirectory: cacheDirectory,
  concurrency: 3,
  userAgent: "test",
  signal: new AbortController().signal,
  retry: { totalMs: 60_000, firstPauseMs: 10, maxPauseMs: 100 },
  cacheTiming: { heartbeatIntervalMs: 100, silenceTimeoutMs: 1000, pollIntervalMs: 50 },
  onNotice: (text) => process.stderr.write(`${text}\n`),
});
const { manifest } = await source.resolve(parsePlatform("amd64"));
await Promise.all(manifest.layers.map((layer) => source.fetch(layer).complete));
await source.close();
