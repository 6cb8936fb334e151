import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { clientAddress } from "./network-namespace.js";

const run = promisify(execFile);

/**
 * Fetches a file with curl, with as many retries as dracut makes, and discards it.
 * @param client number that the client's address is derived from
 * @returns number of bytes
 */
export async function fetchFile(
  client: number,
  url: string,
  ...options: readonly string[]
): Promise<number> {
  const args = ["--silent", "--show-error", "--fail", "--retry", "3", "--output", "/dev/null"];
  args.push("--interface", clientAddress(client), "--write-out", "%{size_download}");
  return Number((await run("curl", [...args, ...options, url])).stdout);
}

/** Total rate at which several clients fetch one file, in megabytes per second. */
export async function throughput(clients: number, url: string, ...options: readonly string[]) {
  const start = performance.now();
  const each = Array.from({ length: clients }, (_, index) => fetchFile(index, url, ...options));
  const bytes = (await Promise.all(each)).reduce((sum, size) => sum + size, 0);
  return bytes / 1000 / (performance.now() - start);
}

export async function fetchText(client: number, url: string): Promise<string> {
  const args = ["--silent", "--fail", "--interface", clientAddress(client), url];
  return (await run("curl", args)).stdout;
}
