import { Command } from "commander";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp } from "./command-help.js";
import { withSignals } from "./signals.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Boot a release from a web server",
      command: "kairos-netboot iso out/ --url http://192.168.1.10/kairos",
    },
    {
      title: "Boot what the network's boot server offers",
      command: "kairos-netboot iso --wait-for-server -o boot.iso",
    },
    {
      title: "Write the ISO to a USB stick, which erases the stick",
      command: "sudo dd if=boot.iso of=/dev/sdX bs=4M conv=fsync",
    },
  ],
  notes: [
    "The ISO boots on BIOS and x64 UEFI (without Secure Boot), from a CD and from a USB stick. Making the ISO requires the Debian packages xorriso, isolinux, syslinux-common, ipxe, mtools, grub-common, and grub-efi-amd64-bin.",
  ],
};

interface Flags {
  output?: string;
  url?: string;
  waitForServer?: boolean;
  ipxeDir?: string;
  verbose?: boolean;
  json?: boolean;
}

export function isoCommand(): Command {
  const command = new Command("iso")
    .summary("make an ISO that boots machines over the network")
    .description(
      "Makes an ISO of a few megabytes for machines that cannot boot from the network by themselves. The ISO fetches a release from a web server, or asks the network for a boot server.",
    )
    .argument("[dir]", "directory that extract made")
    .option("-o, --output <file>", "file to make (default: NAME-ipxe.iso or kairos-netboot.iso)")
    .option("--url <base>", "URL of the directory on a web server (default: the --url of extract)")
    .option("--wait-for-server", "boot what the network's boot server offers, instead of a release")
    .option(
      "--ipxe-dir <dir>",
      "directory with boot programs, searched before those of Debian's packages",
    )
    .option("-v, --verbose", "print the causes of errors")
    .option("--json", "print JSON lines on standard output")
    .action(run);
  return addHelp(command, help);
}

async function run(directory: string | undefined, flags: Flags): Promise<void> {
  const { output, url, waitForServer, ipxeDir, json } = flags;
  try {
    const { createIso } = await import("../../boot-media/index.js");
    const path = await withSignals((signal) =>
      createIso({ directory, output, url, waitForServer, ipxeDir, signal }),
    );
    const line = json ? JSON.stringify({ type: "result", files: { iso: path } }) : path;
    process.stdout.write(`${line}\n`);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}
