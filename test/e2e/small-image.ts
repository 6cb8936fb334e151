import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkout } from "../support/checkout.js";
import { programPath } from "./installed-program.js";

const run = promisify(execFile);

/** Directory that keeps the image and the consoles' output between runs. */
export const cacheDirectory = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "kairos-netboot-e2e",
);
/** The small image, as an OCI layout. */
export const imageLayout = join(cacheDirectory, "small");
/** Follows from the kairos-release in image/system.sh and the template of Kairos' release names. */
export const releaseName = "kairos-debian-12-standard-amd64-generic-v3.5.0-k3sv1.33.1+k3s1";

/** Builds the small image if it does not exist yet. */
export async function buildSmallImage(): Promise<void> {
  await run(join(checkout, "test/e2e/build-image.sh"), ["--small", imageLayout]);
}

/** @param options further options of extract */
export async function extractSmallImage(
  output: string,
  options: readonly string[] = [],
): Promise<void> {
  await buildSmallImage();
  const words = ["extract", `oci:${imageLayout}:latest`, "-o", output, ...options];
  await run(process.execPath, [programPath, ...words]);
}
