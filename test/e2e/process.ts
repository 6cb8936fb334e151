import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Starts a program that the kernel ends when this process ends, for whatever reason. */
export function startBound(
  program: string,
  options: readonly string[],
  stdio: StdioOptions,
  cwd?: string,
): ChildProcess {
  return spawn("setpriv", ["--pdeathsig", "KILL", program, ...options], { stdio, cwd });
}

/** Resolves when the process has ended. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
