import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { checkout } from "../../support/checkout.js";
import { untilSays } from "../../support/until-says.js";

const run = promisify(execFile);

/**
 * Runs a shell script in its own network namespace, in which this machine is 10.9.8.7. The script can
 * use the commands `$node` and `$netboot`; `until_says FILE WORDS` waits for a line.
 * @returns its standard output
 */
export async function inOwnNetwork(
  script: string,
  { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
): Promise<string> {
  const setUp = `set -u; cd "${await temporaryDirectory()}"; export XDG_STATE_HOME="$PWD/state"
    node="${process.execPath}"; netboot="$node ${checkout}/bin/kairos-netboot.js"
    ip link set lo up; ip address add 10.9.8.7/24 dev lo
    ${untilSays}`;
  // The PID namespace ends all processes with the script.
  const namespaces = ["--map-root-user", "--net", "--pid", "--mount-proc"];
  const words = [...namespaces, "--fork", "--kill-child", "sh", "-c"];
  // unshare ignores SIGTERM while it waits for its child.
  const options = { timeout: timeoutMs, killSignal: "SIGKILL" } as const;
  return (await run("unshare", [...words, `${setUp}\n${script}`], options)).stdout;
}
