// Writes the generated files; with --check, only says which ones are stale.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkout } from "../support/checkout.js";
import { generatedFiles } from "./pages.js";

const isCheck = process.argv.includes("--check");

const stale: string[] = [];
for (const [path, content] of generatedFiles()) {
  const target = join(checkout, path);
  const current = await readFile(target, "utf8").catch(() => "");
  if (current === content) continue;
  stale.push(path);
  if (isCheck) continue;
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, content);
}

if (isCheck && stale.length > 0) {
  console.error(`Out of date: ${stale.join(", ")}\nRun: npm run reference`);
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? "The reference is up to date." : `Wrote ${stale.join(", ")}`);
}
