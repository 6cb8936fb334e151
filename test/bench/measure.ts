import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { setInterval } from "node:timers/promises";

/** The resources that one run of a command used. */
export interface Measurement {
  /** Wall clock seconds. */
  readonly wall: number;
  /** Processor seconds of the command and everything that it started. */
  readonly cpu: number;
  /** Peak of resident memory in bytes: of all processes together, and of Node alone. */
  readonly memory: number;
  readonly nodeMemory: number;
  /** Peak of additional disk space in bytes. */
  readonly disk: number;
}

const samplingIntervalMs = 50;

/**
 * Runs a command in bash and measures it. The times come from bash's `time`. Memory, from /proc, and
 * disk space, from the file system, are sampled 20 times per second.
 * @param directory in the file system that the command writes to
 */
export async function measure(command: string, directory: string): Promise<Measurement> {
  const usedBefore = await usedBytes(directory);
  const script = `TIMEFORMAT='measured %R %U %S'; time { ${command}\n}`;
  const child = spawn("bash", ["-e", "-c", script], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const sampler = new AbortController();
  const peaks = { memory: 0, nodeMemory: 0, disk: 0 };
  const sampling = sample(child.pid!, directory, usedBefore, peaks, sampler.signal);
  const status = await new Promise((resolve) => child.on("close", resolve));
  sampler.abort();
  await sampling;
  const times = /measured ([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr);
  if (status !== 0 || times === null) throw new Error(`${command}: exit ${status}\n${stderr}`);
  const [wall, user, system] = times.slice(1).map(Number) as [number, number, number];
  return { wall, cpu: user + system, ...peaks };
}

async function sample(
  leader: number,
  directory: string,
  usedBefore: number,
  peaks: { memory: number; nodeMemory: number; disk: number },
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const _ of setInterval(samplingIntervalMs, undefined, { signal })) {
      const { all, node } = residentBytes(leader);
      peaks.memory = Math.max(peaks.memory, all);
      peaks.nodeMemory = Math.max(peaks.nodeMemory, node);
      peaks.disk = Math.max(peaks.disk, (await usedBytes(directory)) - usedBefore);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function usedBytes(directory: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(directory);
  return (blocks - bfree) * bsize;
}

/** Resident memory of a process and its descendants. */
function residentBytes(leader: number): { all: number; node: number } {
  const parents = new Map<number, { parent: number; name: string; resident: number }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const close = stat.lastIndexOf(")");
      const fields = stat.slice(close + 2).split(" ");
      parents.set(Number(name), {
        parent: Number(fields[1]),
        name: stat.slice(stat.indexOf("(") + 1, close),
        resident: Number(fields[21]) * 4096,
      });
    } catch {
      // The process ended in the meantime.
    }
  }
  let all = 0;
  let node = 0;
  for (const [pid, { name, resident }] of parents) {
    if (!isBelow(pid, leader, parents)) continue;
    all += resident;
    if (name === "node" || name === "MainThread") node = Math.max(node, resident);
  }
  return { all, node };
}

function isBelow(pid: number, leader: number, parents: Map<number, { parent: number }>): boolean {
  for (let id: number | undefined = pid; id !== undefined && id > 1; ) {
    if (id === leader) return true;
    id = parents.get(id)?.parent;
  }
  return false;
}
