import { spawn } from "node:child_process";
import { resolve as absolute } from "node:path";
import { createInterface } from "node:readline";

export interface Listing {
  readonly entries: number;
  /** unsquashfs's words, where it finds fault. */
  readonly problem: string | undefined;
}

const mostWords = 500;

/**
 * Lists a squashfs with unsquashfs, which reads all of its inodes and directories for it, and no
 * contents.
 * @param onPath told of each path, absolute
 */
export async function listSquashfs(
  unsquashfs: string,
  path: string,
  { signal, onPath }: { signal: AbortSignal; onPath: (path: string) => void },
): Promise<Listing> {
  // A name that begins with a dash would be an option.
  const child = spawn(unsquashfs, ["-d", "", "-l", absolute(path)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  let words = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    words = (words + text).slice(0, mostWords);
  });
  const status = new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, ending) => resolve(code ?? `it was ended by ${ending}`));
  });
  let entries = 0;
  for await (const line of createInterface({ input: child.stdout.setEncoding("latin1") })) {
    if (!line.startsWith("/")) continue;
    entries += 1;
    onPath(line);
  }
  const ended = await status;
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  // Of several lines the last one says most.
  const said = words.trim().split("\n").at(-1) ?? "";
  if (ended === 0 && said === "") return { entries, problem: undefined };
  return { entries, problem: said || (ended === 0 ? "" : `unsquashfs: ${ended}`) };
}
