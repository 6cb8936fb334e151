import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { clientAddress } from "./own-network.js";

const run = promisify(execFile);

/**
 * Fetches with curl, which tries again as dracut's does, and forgets what it got.
 * @param client its number, which its address is made of
 * @returns the bytes
 */
export async function fetchOne(
  client: number,
  url: string,
  ...options: readonly string[]
): Promise<number> {
  const words = ["--silent", "--show-error", "--fail", "--retry", "3", "--output", "/dev/null"];
  words.push("--interface", clientAddress(client), "--write-out", "%{size_download}");
  return Number((await run("curl", [...words, ...options, url])).stdout);
}

/** Megabytes a second that several clients get together of one file. */
export async function throughput(clients: number, url: string, ...options: readonly string[]) {
  const start = performance.now();
  const each = Array.from({ length: clients }, (_, index) => fetchOne(index, url, ...options));
  const bytes = (await Promise.all(each)).reduce((sum, size) => sum + size, 0);
  return bytes / 1000 / (performance.now() - start);
}

export async function fetchText(client: number, url: string): Promise<string> {
  const words = ["--silent", "--fail", "--interface", clientAddress(client), url];
  return (await run("curl", words)).stdout;
}
