/**
 * Compares `serve` with nginx and dnsmasq in a network namespace: large files, boot programs, DHCP
 * offers, and many machines that boot at the same time. Prints tables and has no pass or fail
 * criterion.
 */
import { execFile, execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { extract } from "../../src/index.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { DhcpClients } from "./dhcp-clients.js";
import { throughput } from "./fetch.js";
import { enterNetworkNamespace, otherAddress, ownAddress } from "./network-namespace.js";
import { simulateBoot } from "./simulate-boot.js";
import {
  type ServedFiles,
  type StartedServer,
  startDnsmasq,
  startNginx,
  startServe,
} from "./started-servers.js";

const runs = Number(process.env.BENCH_RUNS ?? 5);
const machines = Number(process.env.BENCH_MACHINES ?? 200);
const mebibyte = 1024 * 1024;
const mb = (bytes: number) => (bytes / 1e6).toFixed(0);

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "kairos-netboot-bench-"));
  try {
    const { files, storm, programs } = await makeFiles(work);
    printMachine();
    const server = await startServe(files, programs);
    const others = [await startNginx(join(work, "files"), work), await startDnsmasq(programs)];
    await compareThroughput();
    for (const other of others) await other.stop();
    await measureOffers();
    await measureLeak(server);
    await server.stop();
    await measureStorm(await startServe({ ...files, ...storm }, programs));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function makeFiles(work: string) {
  const demo = join(work, "demo");
  const { description } = await extract({ image: demoImage, output: demo, platform: "amd64" });
  const [programs, place] = [join(work, "programs"), join(work, "files")];
  for (const directory of [programs, place]) mkdirSync(directory);
  // The server reads the start of the kernel.
  const head = readFileSync(join(demo, description.files.kernel.name));
  const files: ServedFiles = {
    kernel: random(join(place, "kernel"), 12, head),
    initrd: random(join(place, "initrd"), 32),
    squashfs: random(join(place, "large.squashfs"), 1024),
  };
  const storm = { squashfs: random(join(place, "storm.squashfs"), 192) };
  random(join(programs, "snponly.efi"), 8);
  // dnsmasq runs as another user.
  execFileSync("chmod", ["-R", "a+rX", work]);
  return { files, storm, programs };
}

function random(path: string, mebibytes: number, head?: Buffer): string {
  const file = openSync(path, "w");
  const piece = Buffer.alloc(mebibyte);
  for (let index = 0; index < mebibytes; index += 1) {
    randomFillSync(piece);
    if (index === 0 && head !== undefined) head.copy(piece);
    writeSync(file, piece);
  }
  return path;
}

function printMachine(): void {
  const version = (...[program, ...args]: [string, ...string[]]) =>
    execFileSync("sh", ["-c", `${program} ${args.join(" ")} 2>&1 | head -1`], { encoding: "utf8" });
  console.log(`${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version};`);
  console.log(
    `${version("nginx", "-v")}${version("dnsmasq", "--version")}${version("curl", "-V")}`,
  );
}

/** Alternates between the servers, so that changes in the machine's speed affect both. */
async function compareThroughput(): Promise<void> {
  const block = ["--tftp-blksize", "1468"];
  const http = ["http://ADDRESS:8080/FILE"];
  const tftp = ["tftp://ADDRESS/snponly.efi", ...block];
  const contests: [name: string, clients: number, urlAndOptions: string[], target: string][] = [
    ["HTTP, 1 GiB to 1 client / nginx", 1, http, ""],
    ["HTTP, 1 GiB to 16 clients / nginx", 16, http, "at least 0.60"],
    ["TFTP, 8 MiB to 1 client / dnsmasq", 1, tftp, "at least 0.70"],
    ["TFTP, 8 MiB to 8 clients / dnsmasq", 8, tftp, "at least 0.70"],
  ];
  console.log(`Medians of ${runs} runs in alternation, total MB/s of all clients (curl)\n`);
  console.log("| what | serve | other | ratio | target |\n| --- | --- | --- | --- | --- |");
  for (const [name, clients, [address, ...options], target] of contests) {
    const at = (host: string, file: string) =>
      address!.replace("ADDRESS", host).replace("FILE", file);
    const pairs: [number, number][] = [];
    for (let round = 0; round < runs; round += 1) {
      const ownUrl = at(ownAddress, "releases/1/large.squashfs");
      pairs.push([
        await throughput(clients, ownUrl, ...options),
        await throughput(clients, at(otherAddress, "large.squashfs"), ...options),
      ]);
    }
    const [own, other] = [
      median(pairs.map(([rate]) => rate)),
      median(pairs.map(([, rate]) => rate)),
    ];
    console.log(
      `| ${name} | ${own.toFixed(0)} | ${other.toFixed(0)} | ${(own / other).toFixed(2)} | ${target} |`,
    );
  }
}

/** Reports the first rounds separately: the code of server and clients is not compiled yet. */
async function measureOffers(): Promise<void> {
  const clients = await DhcpClients.start();
  const rounds: { rate: number; latencies: number[] }[] = [];
  for (let round = 0; round < 12; round += 1) {
    const start = performance.now();
    const offers = await clients.requestAll(round * 1000, 1000);
    const rate = 1_000_000 / (performance.now() - start);
    const latencies = offers.flatMap((offer) => offer?.milliseconds ?? []).sort((a, b) => a - b);
    rounds.push({ rate, latencies });
  }
  clients.close();
  console.log("\n1,000 concurrent DHCP requests (target: 99th percentile under 50 ms)\n");
  console.log("| | unanswered | offers per second | latency ms, median | 99th percentile |");
  console.log("| --- | --- | --- | --- | --- |");
  const row = (name: string, list: typeof rounds) => {
    const unanswered = list.reduce((sum, { latencies }) => sum + 1000 - latencies.length, 0);
    const rate = median(list.map((round) => round.rate)).toFixed(0);
    const at = (part: number) =>
      median(list.map(({ latencies: all }) => all[Math.floor(all.length * part)]!)).toFixed(1);
    console.log(`| ${name} | ${unanswered} | ${rate} | ${at(0.5)} | ${at(0.99)} |`);
  };
  row("the first time", rounds.slice(0, 1));
  row("the second time", rounds.slice(1, 2));
  row("ten more times, medians", rounds.slice(2));
}

async function measureLeak(server: StartedServer): Promise<void> {
  const url = `http://${ownAddress}:8080/boot.ipxe`;
  const requestMany = (count: number) =>
    promisify(execFile)("ab", ["-q", "-k", "-c", "16", "-n", String(count), url]);
  await requestMany(50_000);
  const before = server.memory("VmRSS");
  const { stdout } = await requestMany(1_000_000);
  const rate = /Requests per second:\s+([\d.]+)/.exec(stdout)?.[1];
  console.log(`\n1,000,000 small requests (ab -k): ${rate} per second,`);
  console.log(`server memory: ${mb(before)} MB before, ${mb(server.memory("VmRSS"))} MB after`);
}

async function measureStorm(server: StartedServer): Promise<void> {
  const clients = await DhcpClients.start();
  const start = performance.now();
  const boots = await Promise.allSettled(
    Array.from({ length: machines }, (_, index) => simulateBoot(index, clients)),
  );
  const seconds = (performance.now() - start) / 1000;
  clients.close();
  const failed = boots.filter((boot) => boot.status === "rejected");
  for (const { reason } of failed.slice(0, 5)) console.error(String(reason));
  const bytes = boots.reduce(
    (sum, boot) => sum + (boot.status === "fulfilled" ? boot.value : 0),
    0,
  );
  console.log(
    `\n${machines} concurrent boots from power-on to the squashfs: ${failed.length} failed,`,
  );
  console.log(`${mb(bytes)} MB in ${seconds.toFixed(1)} s (${mb(bytes / seconds)} MB/s),`);
  console.log(`server memory: ${mb(server.memory("VmHWM"))} MB (target: under 300)`);
  await server.stop();
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
}

enterNetworkNamespace();
await main();
