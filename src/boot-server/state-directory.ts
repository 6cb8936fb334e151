import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where a boot server keeps what outlives it: as systemd says (systemd.exec(5), StateDirectory=),
 * or as the XDG Base Directory Specification does.
 */
export function defaultStateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { STATE_DIRECTORY, XDG_STATE_HOME } = environment;
  if (STATE_DIRECTORY) return STATE_DIRECTORY.split(":")[0]!;
  return join(XDG_STATE_HOME || join(homedir(), ".local", "state"), "kairos-netboot");
}
