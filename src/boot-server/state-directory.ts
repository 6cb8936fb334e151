import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * The directory for what a boot server remembers across restarts: systemd's, if its unit has a
 * StateDirectory=, else the user's (XDG Base Directory Specification 0.8, `$XDG_STATE_HOME`).
 */
export function defaultStateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  // systemd.exec(5): several are separated by colons.
  const ofUnit = environment.STATE_DIRECTORY?.split(":")[0];
  if (ofUnit) return ofUnit;
  const ofUser = environment.XDG_STATE_HOME;
  // The specification wants relative ones to be passed over.
  const base = ofUser && isAbsolute(ofUser) ? ofUser : join(homedir(), ".local", "state");
  return join(base, "kairos-netboot");
}
