import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { NetbootError, systemCode } from "../../support/index.js";

/**
 * The directory for persistent state: that of the systemd unit if it has a StateDirectory=,
 * otherwise the user's (XDG Base Directory Specification 0.8, `$XDG_STATE_HOME`).
 */
export function defaultStateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  // systemd.exec(5): colons separate several directories.
  const unitDirectory = environment.STATE_DIRECTORY?.split(":")[0];
  if (unitDirectory) return unitDirectory;
  const userDirectory = environment.XDG_STATE_HOME;
  // The specification says to ignore relative paths.
  const base =
    userDirectory && isAbsolute(userDirectory) ? userDirectory : join(homedir(), ".local", "state");
  return join(base, "kairos-netboot");
}

/** The error for a state directory that cannot be used. */
export function stateDirectoryError(directory: string, cause: unknown): NetbootError {
  return new NetbootError(
    "STATE_NOT_WRITABLE",
    `The directory ${directory} cannot be used (${systemCode(cause) ?? cause}).`,
    "Name a directory for persistent state with --state-dir.",
    { cause },
  );
}
