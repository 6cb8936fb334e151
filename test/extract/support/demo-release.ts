import { join } from "node:path";
import { extract } from "../../../src/index.js";
import { demoImage } from "./run-netboot.js";
import { sharedDirectory } from "./temporary-directory.js";

/** What `extract` makes of the demo image. */
export async function demoRelease(): Promise<string> {
  const out = join(await sharedDirectory(), "out");
  await extract({ image: demoImage, output: out, platform: "amd64" });
  return out;
}
