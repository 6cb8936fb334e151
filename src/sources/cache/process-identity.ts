import { readFile, readlink } from "node:fs/promises";
import * as z from "zod";
import { systemCode } from "../../support/index.js";

/**
 * Identifies a process. A process number alone is not enough: the system reuses numbers, and each
 * container has its own.
 */
const processIdentity = z.object({
  pid: z.number().int().positive(),
  /** Start time in clock ticks since the machine booted (proc(5), /proc/PID/stat, field 22). */
  start: z.string(),
  /** The boot ID of the machine. */
  boot: z.string(),
  /** The namespace in which the number is valid: `pid:[4026531836]` (pid_namespaces(7)). */
  namespace: z.string(),
});

export type ProcessIdentity = z.infer<typeof processIdentity>;

/**
 * Identifies this process. What /proc does not show is an empty string; a process with such an
 * identity is never found dead.
 */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return {
    pid: process.pid,
    start: (await startOf("self")) ?? "",
    boot: await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
      (text) => text.trim(),
      () => "",
    ),
    namespace: await readlink("/proc/self/ns/pid").catch(() => ""),
  };
}

/** Parses the JSON text of an identity; undefined if it is not valid. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    return processIdentity.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** True if this process, `here`, can tell for certain that another one has ended. */
export async function hasEnded(
  { pid, start, boot, namespace }: ProcessIdentity,
  here: ProcessIdentity,
): Promise<boolean> {
  const isComparable = boot !== "" && boot === here.boot && namespace === here.namespace;
  if (!isComparable || namespace === "" || start === "") return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return true;
  }
  // The number may belong to another process now. If /proc hides other processes, nobody can tell.
  const present = await startOf(String(pid));
  return present !== undefined && present !== start;
}

/** Undefined if it cannot be read; "ended" for a dead process whose parent has not reaped it yet. */
async function startOf(pid: string): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses, which may hold any characters.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}
