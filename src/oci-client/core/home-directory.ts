import { userInfo } from "node:os";

/**
 * The user's home directory: `HOME`, else what the system knows of the user. For one that it does not
 * know, as happens in containers, it is `/`, which is what container engines set `HOME` to then.
 */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HOME) return env.HOME;
  try {
    return userInfo().homedir;
  } catch {
    return "/";
  }
}
