/** The paths of the server, and the URLs that machines get. A base is `http://ADDRESS:PORT`. */
export const paths = {
  firstScript: "/boot.ipxe",
  machineScript: "/machine.ipxe",
  programs: "/programs/",
  cloudConfigs: "/cloud-config/",
  proxiedFiles: "/proxied/",
  /** There is never a file at this path. */
  missingFile: "/nothing.efi",
} as const;

/** Path of a file in the script of one machine: `/for/TOKEN` and the usual path. */
const pathForMachine = /^\/for\/([^/]*)(\/.*)?$/;

/** The script with which every iPXE starts. */
export function firstScriptUrl(base: string): string {
  return `${base}${paths.firstScript}`;
}

export function machineScriptUrl(base: string): string {
  return `${base}${paths.machineScript}`;
}

export function programUrl(base: string, name: string): string {
  return `${base}${paths.programs}${name}`;
}

export function cloudConfigUrl(base: string, token: string): string {
  return `${base}${paths.cloudConfigs}${token}`;
}

/** The URL of a directory, as one machine gets it. */
export function urlForMachine(base: string, token: string, path: string): string {
  return `${base}/for/${token}${path}`;
}

/** @returns undefined for a path that does not name a machine */
export function parsePathForMachine(path: string): { token: string; path: string } | undefined {
  const [whole, token = "", rest = "/"] = pathForMachine.exec(path) ?? [];
  return whole === undefined ? undefined : { token, path: rest };
}

/** A URL without a file, which sends HTTP Boot on to the disk. */
export function missingFileUrl(base: string): string {
  return `${base}${paths.missingFile}`;
}
