/**
 * Compares `extract` with other ways to do the same, with a bootable image of more than 700 MB in a
 * registry on loopback. Prints a table and has no pass or fail criterion.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { startRegistry } from "../e2e/registry.js";
import { checkout } from "../support/checkout.js";
import { type Measurement, measure } from "./measure.js";

const runs = Number(process.env.BENCH_RUNS ?? 3);
const squashfsOptions = "-noappend -no-progress -quiet -b 1M";
const zstd = `${squashfsOptions} -comp zstd -Xcompression-level 3`;
const gzip = `${squashfsOptions} -comp gzip`;

interface Contestant {
  readonly name: string;
  /** Runs before each measurement and is not measured. */
  readonly prepare: string;
  readonly command: string;
  readonly runs: number;
}

async function main(): Promise<void> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const layout = join(cache, "kairos-netboot-e2e/large");
  execFileSync(join(checkout, "test/e2e/build-image.sh"), ["--large", layout], {
    stdio: ["ignore", 2, 2],
  });
  const work = mkdtempSync(join(tmpdir(), "kairos-netboot-bench-"));
  const registry = await startRegistry();
  try {
    const image = await registry.push(layout, "latest", "bench/kairos:large");
    const tree = join(work, "bundle/rootfs");
    execFileSync("umoci", ["unpack", "--image", `${layout}:latest`, join(work, "bundle")], {
      stdio: "ignore",
    });
    printMachine(tree, layersOf(layout));
    const all = [...contestants(image, tree, work), programsInAPipe(image, layout, work)];
    printResults(await measureAll(all, work));
  } finally {
    await registry.close();
    rmSync(work, { recursive: true, force: true });
  }
}

function contestants(image: string, tree: string, work: string): Contestant[] {
  const program = `${process.execPath} ${checkout}/bin/kairos-netboot.js`;
  const extract = `${program} extract ${image} -o ${work}/out --cache-dir ${work}/cache --quiet`;
  const chain = (options: string) =>
    `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${image} oci:${work}/copy:latest
     umoci unpack --image ${work}/copy:latest ${work}/unpacked
     mksquashfs ${work}/unpacked/rootfs ${work}/chain.squashfs ${options}`;
  const clean = `rm -rf ${work}/out ${work}/copy ${work}/unpacked ${work}/chain.squashfs ${work}/floor.squashfs`;
  return [
    {
      name: "mksquashfs over the unpacked tree (the floor)",
      prepare: clean,
      command: `mksquashfs ${tree} ${work}/floor.squashfs ${zstd}`,
      runs,
    },
    {
      name: "kairos-netboot extract, nothing cached",
      prepare: `${clean} ${work}/cache`,
      command: extract,
      runs,
    },
    {
      name: "kairos-netboot extract, layers cached",
      prepare: clean,
      command: extract,
      runs,
    },
    {
      name: "skopeo copy + umoci unpack + mksquashfs",
      prepare: clean,
      command: chain(zstd),
      runs,
    },
    {
      name: "the same with gzip, like Kairos's own tools",
      prepare: clean,
      command: chain(gzip),
      runs: 1,
    },
  ];
}

/**
 * The least possible work: C programs process the largest layer and compute the three checksums that
 * are needed, without merging or describing anything.
 */
function programsInAPipe(image: string, layout: string, work: string): Contestant {
  const [, host, repository] = /^([^/]+)\/(.+):[^:]+$/.exec(image)!;
  const { digest } = largestOf(layersOf(layout));
  const squashfs = `${work}/pipe.squashfs`;
  return {
    name: "its largest layer alone: curl, igzip, mksquashfs and openssl three times",
    prepare: `rm -f ${squashfs}`,
    command: `curl -sf http://${host}/v2/${repository}/blobs/${digest} | tee >(openssl dgst -sha256) |
      igzip -d -c | tee >(openssl dgst -sha256) | mksquashfs - ${squashfs} -tar ${zstd}
      openssl dgst -sha256 ${squashfs}`,
    runs,
  };
}

interface Layer {
  readonly digest: string;
  /** Bytes, compressed. */
  readonly size: number;
}

/** The layers of the only image in an OCI layout. */
function layersOf(layout: string): Layer[] {
  const read = (...names: string[]) => JSON.parse(readFileSync(join(layout, ...names), "utf8"));
  const [image] = read("index.json").manifests;
  return read("blobs", ...image.digest.split(":")).layers;
}

function largestOf(layers: readonly Layer[]): Layer {
  return layers.reduce((one, other) => (other.size > one.size ? other : one));
}

/** Measures in rounds, so that changes in the machine's speed affect all contestants. */
async function measureAll(
  all: readonly Contestant[],
  directory: string,
): Promise<Map<string, Measurement[]>> {
  const results = new Map(all.map(({ name }): [string, Measurement[]] => [name, []]));
  for (let round = 0; round < runs; round += 1) {
    for (const contestant of all) {
      if (round >= contestant.runs) continue;
      execFileSync("bash", ["-c", `${contestant.prepare}; sync`]);
      const result = await measure(contestant.command, directory);
      console.error(`round ${round + 1}: ${contestant.name}: ${result.wall.toFixed(1)} s`);
      results.get(contestant.name)!.push(result);
    }
  }
  return results;
}

function printMachine(tree: string, layers: readonly Layer[]): void {
  const first = (program: string, ...args: string[]) =>
    execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split(
      "\n",
    )[0];
  const size = Number(first("du", "-s", "--block-size=1000000", tree)?.split("\t")[0]);
  const files = first("bash", "-c", `find ${tree} | wc -l`);
  console.log(`${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version},`);
  console.log(`${first("mksquashfs", "-version")}, ${first("igzip", "--version")},`);
  console.log(`${first("skopeo", "--version")}, ${first("umoci", "--version")};`);
  const sum = layers.reduce((total, layer) => total + layer.size, 0);
  const largest = mb(largestOf(layers).size);
  console.log(`a tree of ${size} MB in ${files} files; ${layers.length} layers of ${mb(sum)} MB,`);
  console.log(`the largest of ${largest} MB; medians of ${runs} runs\n`);
}

function printResults(results: Map<string, Measurement[]>): void {
  const rows = [...results].map(([name, list]) => ({ name, ...medians(list) }));
  const floor = rows[0]!;
  console.log("| what | wall s | CPU s | × floor | memory MB | Node MB | disk MB |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const { name, wall, cpu, memory, nodeMemory, disk } of rows) {
    const ratio = (wall / floor.wall).toFixed(2);
    const node = nodeMemory === 0 ? "–" : mb(nodeMemory);
    console.log(
      `| ${name} | ${wall.toFixed(1)} | ${cpu.toFixed(1)} | ${ratio} | ${mb(memory)} | ${node} | ${mb(disk)} |`,
    );
  }
  const [, cold, warm, chain, gzipChain, pipe] = rows.map(({ wall }) => wall);
  console.log(`\nnothing cached / floor: ${(cold! / floor.wall).toFixed(2)} (target: at most 1.8)`);
  console.log(`layers cached / floor: ${(warm! / floor.wall).toFixed(2)}`);
  console.log(`skopeo chain / nothing cached: ${(chain! / cold!).toFixed(1)} (target: at least 4)`);
  console.log(`gzip chain / nothing cached: ${(gzipChain! / cold!).toFixed(1)}`);
  console.log(`nothing cached / largest layer alone: ${(cold! / pipe!).toFixed(2)}`);
  console.log(`Node's memory: ${mb(rows[1]!.nodeMemory)} MB (target: under 250)`);
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function medians(list: readonly Measurement[]): Measurement {
  const median = (pick: (measurement: Measurement) => number) =>
    list.map(pick).sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
  return {
    wall: median(({ wall }) => wall),
    cpu: median(({ cpu }) => cpu),
    memory: median(({ memory }) => memory),
    nodeMemory: median(({ nodeMemory }) => nodeMemory),
    disk: median(({ disk }) => disk),
  };
}

await main();
