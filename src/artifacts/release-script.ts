/** What a release's own script is made of. */
export interface ReleaseScript {
  /** Common to the file names. */
  readonly name: string;
  /** Reference and digest of the image, for those who read the script. */
  readonly source: string;
  /** As OCI names it. */
  readonly architecture: string;
  /** With `${url}` for where the files are and `${config}` for a cloud-config. */
  readonly commandLine: string;
  /** Where the files are, without a slash at the end; beside the script if left out. */
  readonly url?: string | undefined;
  /** Name of a cloud-config beside the files. */
  readonly cloudConfig?: string | undefined;
  /** Further words of the command line. */
  readonly words?: string | undefined;
}

/** Which iPXE may boot a kernel; under BIOS iPXE is 32-bit code on whatever processor. */
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
 * The iPXE script of a release, with the fields of Kairos' own scripts at its head.
 *
 * Without an address it finds its files beside itself. A kernel has to be told of its squashfs by
 * an absolute address, which iPXE knows as `${cwduri}` only since March 2024. Before, there is
 * the name that the DHCP server gave, where that is the absolute address of this very script: with
 * `/..` behind it, it leads to the directory. That it is absolute is seen by a letter before it,
 * which gives it an unknown scheme, but leaves a relative name relative; that it is this script's,
 * by what lies there.
 */
export function formatReleaseScript(script: ReleaseScript): string {
  const { name, source, cloudConfig, words } = script;
  const kernel = ["kernel --name", `${name}-kernel`, `\${prefix}${name}-kernel`];
  const config = wordWith("config", script.commandLine);
  return `#!ipxe
# ${name}
# made from ${source}
#
# These three can also be set by a script that chains this one.
#
# Where the files are, without a slash at the end. Left out, they are beside this script.
${field("url", script.url, "http://example.com/directory")}

# Address of a cloud-config.${cloudConfig === undefined ? "" : ` Left out, it is ${cloudConfig} beside the files.`}
#set config http://example.com/cloud-config.yaml

# Further words of the kernel's command line.
${field("cmdline", words, "quiet")}

# From here on nothing has to be changed.
echo Booting ${name}
${architectureCheck(script.architecture)}
:network
isset \${netX/ip} && goto place ||
ifconf && goto place ||
echo The network gave no address; trying again in 5 seconds.
sleep 5
goto network

:place
clear prefix ||
isset \${url} && set prefix \${url}/ && goto fetch ||
isset \${cwduri} && set prefix \${cwduri} && goto fetch ||
isset \${filename} || goto lost
echo Looking where this script came from; one "not supported" is as it should be.
imgfetch --name probe x\${filename}/../${name}.ipxe && goto lost ||
imgfetch --name probe \${filename}/../${name}.ipxe || goto lost
set prefix \${filename}/../
goto fetch

:lost
imgfree
echo This iPXE is too old to know where this script came from. Say where the files are:
echo "set url http://ADDRESS/DIRECTORY"
echo "exit" goes on
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
echo Fetching from \${prefix} failed; trying again in 5 seconds.
sleep 5
goto fetch

:ask
clear tries
echo The files of ${name}
echo could not be fetched from \${prefix}
echo Does the web server run, and are the files there? This is a shell:
echo "set url http://ADDRESS/DIRECTORY" looks in another place
echo "exit" tries again
shell
goto place
`;
}

/** A line for the user to change. */
function field(name: string, value: string | undefined, example: string): string {
  return value === undefined ? `#set ${name} ${example}` : `set ${name} ${value}`;
}

function architectureCheck(architecture: string): string {
  const checks = architectureChecks[architecture];
  if (checks === undefined) return "";
  return `${checks.join("\n")}
echo This release is for ${architecture}, and this machine is not: \${buildarch} \${platform}
sleep 15
exit 1
`;
}

/** The word of a command line that names `${NAME}`. */
function wordWith(name: string, commandLine: string): string | undefined {
  return commandLine.split(" ").find((word) => word.includes(`\${${name}}`));
}

function kernelWords(commandLine: string): string {
  const config = wordWith("config", commandLine);
  const words = commandLine.split(" ").map((word) => (word === config ? `\${config-word}` : word));
  return words.join(" ").replaceAll(`\${url}/`, `\${prefix}`);
}
