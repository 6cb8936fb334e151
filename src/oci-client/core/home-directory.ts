import { userInfo } from "node:os";

/**
 * The user's home directory: `HOME`, or the directory in the user database. A container may run as a
 * user that the database lacks; then it is `/`, to which container engines set `HOME` in that case.
 */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HOME) return env.HOME;
  try {
    return userInfo().homedir;
  } catch {
    return "/";
  }
}
