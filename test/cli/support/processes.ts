import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface RunningProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** All processes that this one started, and those that they did (proc(5), "stat"). */
function descendants(pid: number): RunningProcess[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const below = (parent: number): RunningProcess[] =>
    all
      .filter((each) => each.parent === parent)
      .flatMap(({ pid, words }) => [{ pid, words }, ...below(pid)]);
  return below(pid);
}

/** Waits until a process has started, directly or not, one with this word on its command line. */
export async function startOf(word: string, pid: number): Promise<RunningProcess[]> {
  for (let attempt = 0; attempt < 1500; attempt++) {
    const found = descendants(pid);
    if (found.some((each) => each.words.includes(word))) return found;
    await delay(20);
  }
  throw new Error(`nothing with ${word} was started`);
}

/** False for what has ended, also where nobody has asked for its status yet. */
export function isRunning({ pid }: RunningProcess): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== "Z";
}

function statOf(pid: number) {
  try {
    const match = /^\d+ \(.*\) (\S) (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))!;
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return { pid, words, state: match[1]!, parent: Number(match[2]) };
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
