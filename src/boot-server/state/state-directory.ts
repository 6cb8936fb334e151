import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { NetbootError, systemCode } from "../../support/index.js";

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

/** The error of a state directory that cannot be used. */
export function stateError(directory: string, cause: unknown): NetbootError {
  return new NetbootError(
    "STATE_NOT_WRITABLE",
    `The directory ${directory} cannot be used (${systemCode(cause) ?? cause}).`,
    "Name a directory for what outlives the server with --state-dir.",
    { cause },
  );
}
