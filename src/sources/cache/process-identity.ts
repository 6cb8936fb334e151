import { readFile, readlink } from "node:fs/promises";
import { z } from "zod";
import { systemCode } from "../../support/index.js";

/**
 * Which process something belongs to. A number alone says little: it is given again to others, and
 * means another process in each container.
 */
export const processIdentity = z.object({
  pid: z.number().int().positive(),
  /** When it began, in clock ticks since the machine did (proc(5), /proc/PID/stat, field 22). */
  start: z.string(),
  /** Of the machine, since it was last started. */
  boot: z.string(),
  /** Where the number holds: `pid:[4026531836]` (pid_namespaces(7)). */
  namespace: z.string(),
});

export type ProcessIdentity = z.infer<typeof processIdentity>;

/** Empty strings where /proc does not tell: such an identity is never found dead. */
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

/** True where it can be told for certain, from here, that the process has ended. */
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
  // Another process has its number. Where /proc hides others, nothing can be told.
  const present = await startOf(String(pid));
  return present !== undefined && present !== start;
}

/** Undefined where it cannot be read; "ended" for a process that is dead and not yet waited for. */
async function startOf(pid: string): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name, in parentheses, of any characters.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}
