import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A running server. */
export interface RunningServer {
  /** `http://ADDRESS:PORT` */
  readonly url: string;
  readonly pid: number;
}

const fileName = "server.json";

/**
 * Records the URL of this server in its state directory, where `explain` finds it.
 * @throws the error of the file system
 */
export function writeServerFile(stateDirectory: string, server: RunningServer): void {
  writeFileSync(join(stateDirectory, fileName), `${JSON.stringify(server)}\n`);
}

/** Removes the record, unless another server has replaced it. */
export function removeServerFile(stateDirectory: string, pid: number): void {
  if (readServerFile(stateDirectory)?.pid === pid) rmSync(join(stateDirectory, fileName));
}

/** Undefined if no server runs with this state directory, or the file is not readable. */
export function readServerFile(stateDirectory: string): RunningServer | undefined {
  try {
    const server: unknown = JSON.parse(readFileSync(join(stateDirectory, fileName), "utf8"));
    const { url, pid } = server as Partial<RunningServer>;
    return typeof url === "string" && typeof pid === "number" ? { url, pid } : undefined;
  } catch {
    return undefined;
  }
}
