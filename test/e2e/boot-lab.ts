import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lan, startLan } from "./lan.js";
import { extractSmallImage } from "./small-image.js";

/** A network without machines or servers, and a release that a boot server in it can serve. */
export interface BootLab {
  /** A temporary directory; `out` in it holds the small image's release. */
  readonly scratch: string;
  readonly lan: Lan;
  close(): Promise<void>;
}

export async function startBootLab(options: Parameters<typeof startLan>[0] = {}): Promise<BootLab> {
  const scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-e2e-"));
  const remove = () => rm(scratch, { recursive: true, force: true });
  try {
    await extractSmallImage(join(scratch, "out"));
    const lan = await startLan(options);
    return {
      scratch,
      lan,
      close: async () => {
        await lan.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
