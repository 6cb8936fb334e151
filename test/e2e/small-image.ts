import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CHECKOUT, PROGRAM } from "./program.js";

const run = promisify(execFile);

/** Where the image and the consoles' output are kept from one run to the next. */
export const CACHE = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "kairos-netboot-e2e",
);
/** The small image, as an OCI layout. */
export const IMAGE_LAYOUT = join(CACHE, "small");
/** From image/system.sh's kairos-release and the template of Kairos' releases. */
export const NAME = "kairos-debian-12-standard-amd64-generic-v3.5.0-k3sv1.33.1+k3s1";

/** Builds the small image, if it is not there yet. */
export async function buildSmallImage(): Promise<void> {
  await run(join(CHECKOUT, "test/e2e/build-image.sh"), ["--small", IMAGE_LAYOUT]);
}

/** @param options further ones of extract */
export async function extractSmallImage(
  output: string,
  options: readonly string[] = [],
): Promise<void> {
  await buildSmallImage();
  const words = ["extract", `oci:${IMAGE_LAYOUT}:latest`, "-o", output, ...options];
  await run(process.execPath, [PROGRAM, ...words]);
}
