import type { FileRole, ServedFile } from "../../../src/boot-server/files/served-file.js";
import type { Release } from "../../../src/boot-server/releases/release.js";

/** A release whose files are nowhere, for what only goes by names. */
export function releaseNamed(name: string, architecture = "amd64"): Release {
  return {
    name,
    id: "0123456789ab",
    architecture,
    kernel: file(`${name}-kernel`, "kernel"),
    initrd: file(`${name}-initrd`, "initrd"),
    squashfs: file(`${name}.squashfs`, "squashfs"),
    commandLine: `root=live:\${url}/${name}.squashfs config_url=\${config}`,
  };
}

function file(name: string, role: FileRole): ServedFile {
  return { role, name, path: `/nowhere/${name}`, size: 1, etag: '"x"' };
}
