import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where a server that runs can be asked. */
export interface RunningServer {
  /** `http://ADDRESS:PORT` */
  readonly url: string;
  readonly pid: number;
}

const name = "server.json";

/**
 * Says in the state directory where this server is, so that `explain` finds it.
 * @throws the error of the file system
 */
export function writeServerFile(stateDirectory: string, place: RunningServer): void {
  writeFileSync(join(stateDirectory, name), `${JSON.stringify(place)}\n`);
}

/** Takes that back, unless another server has written its own since. */
export function removeServerFile(stateDirectory: string, pid: number): void {
  if (readServerFile(stateDirectory)?.pid === pid) rmSync(join(stateDirectory, name));
}

/** Undefined where none runs with this state directory, or it may not be read. */
export function readServerFile(stateDirectory: string): RunningServer | undefined {
  try {
    const place: unknown = JSON.parse(readFileSync(join(stateDirectory, name), "utf8"));
    const { url, pid } = place as Partial<RunningServer>;
    return typeof url === "string" && typeof pid === "number" ? { url, pid } : undefined;
  } catch {
    return undefined;
  }
}
