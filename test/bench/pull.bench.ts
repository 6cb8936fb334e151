/**
 * Compares the time for pulling layers from a registry on loopback with `skopeo copy`, and measures
 * how long it takes to resume a download that was nearly complete. Prints a table and has no pass or
 * fail criterion.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePlatform } from "../../src/oci-client/index.js";
import { openSource } from "../../src/sources/index.js";
import { startRegistry } from "../e2e/registry.js";
import { ImageContent, ociLayerType } from "../oci-client/support/image-content.js";

const runs = Number(process.env.BENCH_RUNS ?? 3);
/** Bytes of each layer. */
const layerBytes = Number(process.env.BENCH_LAYER_MB ?? 300) * 1_000_000;
/** The fraction of a layer that is already on disk when its download is resumed. */
const presentFraction = 0.9;

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "kairos-netboot-pull-"));
  const registry = await startRegistry();
  try {
    const image = await pushImage(work, (layout) => registry.push(layout, "v1", "bench/pull:v1"));
    const results = new Map<string, number[]>();
    const note = async (name: string, action: () => Promise<void>) => {
      const begin = performance.now();
      await action();
      results.set(name, [...(results.get(name) ?? []), (performance.now() - begin) / 1000]);
    };
    for (let round = 0; round < runs; round += 1) {
      const [cache, copy] = [join(work, "cache"), join(work, "copy")];
      await rm(cache, { recursive: true, force: true });
      await rm(copy, { recursive: true, force: true });
      execFileSync("sync");
      await note("skopeo copy to an OCI layout", async () => skopeoCopy(image, copy));
      execFileSync("sync");
      await note("kairos-netboot, nothing cached", () => pull(image, cache));
      await truncateLayers(cache);
      execFileSync("sync");
      await note(`kairos-netboot, ${presentFraction * 100} % of each layer cached`, () =>
        pull(image, cache),
      );
    }
    print(results);
  } finally {
    await registry.close();
    rmSync(work, { recursive: true, force: true });
  }
}

/** An image of two layers of random bytes, which are never decoded. */
async function pushImage(work: string, push: (layout: string) => Promise<string>): Promise<string> {
  const content = new ImageContent();
  const layers = [1, 2].map(() => content.add(randomBytes(layerBytes), ociLayerType));
  const config = content.add(
    {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    },
    "application/vnd.oci.image.config.v1+json",
  );
  const layout = join(work, "layout");
  await content.writeLayout(layout, content.manifest({ config, layers }), "v1");
  return push(layout);
}

function skopeoCopy(image: string, directory: string): void {
  const args = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"];
  execFileSync("skopeo", [...args, `docker://${image}`, `oci:${directory}:v1`]);
}

async function pull(image: string, cacheDirectory: string): Promise<void> {
  const signal = new AbortController().signal;
  const scratchDirectory = cacheDirectory;
  const options = { cacheDirectory, scratchDirectory, concurrency: 3, userAgent: "bench", signal };
  const source = openSource(image, options);
  try {
    const { manifest } = await source.resolve(parsePlatform("linux/amd64"));
    await Promise.all(manifest.layers.map((layer) => source.fetch(layer).complete));
  } finally {
    await source.close();
  }
}

/** Truncates the layers like an interrupted run. */
async function truncateLayers(cache: string): Promise<void> {
  const blobs = join(cache, "blobs/sha256");
  for (const name of await readdir(blobs)) {
    const path = join(blobs, name);
    const { size } = await stat(path);
    if (size !== layerBytes) continue;
    await truncate(path, Math.floor(size * presentFraction));
    await rename(path, `${path}.partial`);
  }
}

function print(results: Map<string, number[]>): void {
  console.log(`two layers of ${layerBytes / 1e6} MB; medians of ${runs} runs\n`);
  console.log("| what | wall s | MB/s |");
  console.log("| --- | --- | --- |");
  const medians = [...results].map(([name, times]) => {
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
    console.log(
      `| ${name} | ${median.toFixed(2)} | ${((2 * layerBytes) / 1e6 / median).toFixed(0)} |`,
    );
    return median;
  });
  const [skopeo, whole, rest] = medians;
  console.log(`\nskopeo / nothing cached: ${(skopeo! / whole!).toFixed(2)} (target: at least 1)`);
  console.log(`resumed / nothing cached: ${(rest! / whole!).toFixed(2)}`);
}

await main();
