/** The facts that a release's own script depends on. */
export interface ReleaseScript {
  /** Common part of the file names. */
  readonly name: string;
  /** Reference and digest of the image, for a comment in the script. */
  readonly source: string;
  /** OCI's name of the architecture. */
  readonly architecture: string;
  /** Contains `${url}` for the URL of the files, and `${config}` for that of a cloud-config. */
  readonly commandLine: string;
  /** URL of the files without a slash at the end; by default, they are beside the script. */
  readonly url?: string | undefined;
  /** Name of a cloud-config beside the files. */
  readonly cloudConfig?: string | undefined;
  /** Words to add to the command line. */
  readonly words?: string | undefined;
}

/** Checks that an iPXE can boot a kernel. Under BIOS, iPXE is 32-bit code on every processor. */
const architectureChecks: Readonly<Record<string, readonly string[]>> = {
  amd64: [
    `iseq \${buildarch} x86_64 && goto network ||`,
    // CPUID 80000001h, EDX bit 29: long mode.
    `iseq \${platform} pcbios && cpuid --ext 29 && goto network ||`,
  ],
  386: [`iseq \${buildarch} i386 && goto network ||`],
  arm64: [`iseq \${buildarch} arm64 && goto network ||`],
  arm: [`iseq \${buildarch} arm32 && goto network ||`],
  riscv64: [`iseq \${buildarch} riscv64 && goto network ||`],
};

/**
 * The iPXE script of a release. It begins with the same variables as Kairos's own scripts.
 *
 * Without a URL, the script finds its files beside itself. The kernel needs the absolute URL of its
 * squashfs. iPXE has had the script's own URL in `${cwduri}` since March 2024. Older versions only have
 * `${filename}`, the name that the DHCP server gave, which helps if it is the absolute URL of this very
 * script: with `/..` appended, it leads to the directory. Two probes find out. With a letter in front,
 * an absolute URL has an unknown scheme and fails, whereas a relative name stays relative. And the
 * directory contains this script only if the name was that of this script.
 */
export function formatReleaseScript(script: ReleaseScript): string {
  const { name, source, cloudConfig, words } = script;
  const kernel = ["kernel --name", `${name}-kernel`, `\${prefix}${name}-kernel`];
  const config = findWordWith("config", script.commandLine);
  return `#!ipxe
# ${name}
# made from ${source}
#
# A script that chains this one can also set these three variables.
#
# URL of the files without a slash at the end. By default, they are beside this script.
${formatVariable("url", script.url, "http://example.com/directory")}

# URL of a cloud-config.${cloudConfig === undefined ? "" : ` By default, it is ${cloudConfig} beside the files.`}
#set config http://example.com/cloud-config.yaml

# Words to add to the kernel command line.
${formatVariable("cmdline", words, "quiet")}

# Nothing below has to be changed.
echo Booting ${name}
${architectureCheck(script.architecture)}
:network
isset \${netX/ip} && goto place ||
ifconf && goto place ||
echo This machine got no address from the network. Trying again in 5 seconds.
sleep 5
goto network

:place
clear prefix ||
isset \${url} && set prefix \${url}/ && goto fetch ||
isset \${cwduri} && set prefix \${cwduri} && goto fetch ||
isset \${filename} || goto lost
echo Finding out where this script came from. One "not supported" is expected.
imgfetch --name probe x\${filename}/../${name}.ipxe && goto lost ||
imgfetch --name probe \${filename}/../${name}.ipxe || goto lost
set prefix \${filename}/../
goto fetch

:lost
imgfree
echo This iPXE is too old to know where this script came from. Enter the URL of the files:
echo "set url http://ADDRESS/DIRECTORY"
echo "exit" continues
shell
goto place

:fetch
imgfree
${cloudConfig === undefined ? "" : `isset \${config} || set config \${prefix}${cloudConfig}\n`}${
  config === undefined
    ? ""
    : `clear config-word ||\nisset \${config} && set config-word ${config} ||\n`
}${[...kernel, kernelWords(script.commandLine)].join(" ")} \${cmdline} || goto failed
initrd --name ${name}-initrd \${prefix}${name}-initrd || goto failed
boot || goto failed

:failed
iseq \${tries}x xxxx && goto ask ||
set tries \${tries}x
echo Fetching from \${prefix} failed. Trying again in 5 seconds.
sleep 5
goto fetch

:ask
clear tries
echo The files of ${name}
echo could not be fetched from \${prefix}
echo Check that the web server is running and has the files. This is a shell:
echo "set url http://ADDRESS/DIRECTORY" fetches from another place
echo "exit" tries again
shell
goto place
`;
}

/** A line that users may edit; a comment with an example if the value is not given. */
function formatVariable(name: string, value: string | undefined, example: string): string {
  return value === undefined ? `#set ${name} ${example}` : `set ${name} ${value}`;
}

function architectureCheck(architecture: string): string {
  const checks = architectureChecks[architecture];
  if (checks === undefined) return "";
  return `${checks.join("\n")}
echo This release is for ${architecture}, but this machine is: \${buildarch} \${platform}
sleep 15
exit 1
`;
}

/** The word of a command line that contains `${NAME}`. */
function findWordWith(name: string, commandLine: string): string | undefined {
  return commandLine.split(" ").find((word) => word.includes(`\${${name}}`));
}

function kernelWords(commandLine: string): string {
  const config = findWordWith("config", commandLine);
  const words = commandLine.split(" ").map((word) => (word === config ? `\${config-word}` : word));
  return words.join(" ").replaceAll(`\${url}/`, `\${prefix}`);
}
