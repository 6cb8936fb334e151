import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lan, startLan } from "./lan.js";
import { extractSmallImage } from "./small-image.js";

/** A network with nobody in it yet, and what a boot server in it can serve. */
export interface Setting {
  /** A directory of its own; the small image's release is in its `out`. */
  readonly scratch: string;
  readonly lan: Lan;
  close(): Promise<void>;
}

export async function startSetting(options: Parameters<typeof startLan>[0] = {}): Promise<Setting> {
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
