import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface RunningProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** All descendants of a process (proc(5), "children"). */
function descendants(pid: number): RunningProcess[] {
  return childrenOf(pid).flatMap((child) => {
    const words = statOf(child)?.words;
    return [...(words === undefined ? [] : [{ pid: child, words }]), ...descendants(child)];
  });
}

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children.split(" ").filter(Boolean).map(Number);
  } catch {
    // The process has ended.
    return [];
  }
}

/** Waits until a descendant of a process has this word on its command line. */
export async function startOf(word: string, pid: number): Promise<RunningProcess[]> {
  for (let attempt = 0; attempt < 1500; attempt++) {
    const found = descendants(pid);
    if (found.some((each) => each.words.includes(word))) return found;
    await delay(20);
  }
  throw new Error(`no process with ${word} has started`);
}

/** False for a process that has ended, even if its parent has not read its status yet. */
export function isRunning({ pid }: RunningProcess): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== "Z";
}

function statOf(pid: number) {
  try {
    const match = /^\d+ \(.*\) (\S) /s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"));
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return { words, state: match?.[1] };
  } catch {
    // The process has ended.
    return undefined;
  }
}
