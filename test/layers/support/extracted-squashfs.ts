import { join } from "node:path";
import { type ExtractEvent, extract } from "../../../src/extract/index.js";

export interface ExtractedSquashfs {
  readonly path: string;
  /** Whether mksquashfs was started a second time. */
  readonly hasStartedOver: boolean;
}

/** The squashfs that `extract` makes of an image. */
export async function extractedSquashfs(
  layout: string,
  scratch: string,
): Promise<ExtractedSquashfs> {
  let hasStartedOver = false;
  const output = join(scratch, "out");
  const { paths } = await extract({
    image: `oci:${layout}:test`,
    output,
    platform: "linux/amd64",
    cache: false,
    jobs: 2,
    compression: "lz4",
    onEvent: (event: ExtractEvent) => {
      if (event.type !== "message") return;
      hasStartedOver ||= event.text.startsWith("Starting the squashfs over");
    },
  });
  return { path: paths.squashfs, hasStartedOver };
}
