import { Command } from "commander";
import type { ServeEvent, ServeOptions } from "../../boot-server/index.js";
import { serveLine } from "../format/format-serve-event.js";
import { LineWriter } from "../reporters/line-writer.js";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp } from "./command-help.js";
import { runChecks } from "./serve-check.js";
import { withSignals } from "./signals.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Boot the machines of this network, beside its DHCP server",
      command: "sudo kairos-netboot serve out/",
    },
    {
      title: "With one cloud-config for all machines",
      command: "sudo kairos-netboot serve out/ --cloud-config cloud-config.yaml",
    },
    {
      title: "With settings for each machine, which boots from its disk the next time",
      command: "sudo kairos-netboot serve out/ --machines machines.yaml --once",
    },
    {
      title: "On a network without a DHCP server",
      command:
        "sudo kairos-netboot serve out/ --listen eth1 --dhcp server \\\n        --dhcp-range 192.168.77.100-192.168.77.199",
    },
    {
      title: "Files of an older release or of another tool",
      command: "sudo kairos-netboot serve --kernel K --initrd I --squashfs NAME.squashfs",
    },
    {
      title: "Two architectures, on one interface only",
      command:
        "sudo kairos-netboot serve out-amd64/ out-arm64/ --listen eth1 \\\n        --ipxe-dir ipxe/",
    },
    {
      title: "With a DHCP server that names http://ADDRESS:8080/boot.ipxe itself",
      command: "sudo kairos-netboot serve out/ --dhcp off",
    },
    {
      title: "Ask another program what each machine boots, as pixiecore does",
      command: "sudo kairos-netboot serve --api http://10.77.0.3:9000",
    },
    {
      title: "Check ports, files, and permissions before serving",
      command: "sudo kairos-netboot serve out/ --check",
    },
  ],
  notes: [
    "Ports: 67 and 4011 (DHCP), 69 (TFTP), and 8080 (HTTP). The Debian package ipxe contains the boot programs.",
  ],
};

interface Flags extends Omit<ServeOptions, "httpPort" | "maxTransfers"> {
  httpPort: string;
  maxTransfers: string;
  check?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

export function serveCommand(): Command {
  const command = new Command("serve")
    .summary("boot machines of this network from what extract made")
    .description(
      "Answers machines that are set to boot from the network, beside the DHCP server there is and without touching it, and hands them kernel, initrd and squashfs.",
    )
    .argument(
      "[dir...]",
      "directories that extract made; for each architecture the first is served",
    )
    .option("--kernel <file>", "with --initrd and --squashfs: files that somebody else made")
    .option("--initrd <file>", "see --kernel")
    .option("--squashfs <file>", "see --kernel")
    .option(
      "--listen <place>",
      "address or interface, may be repeated (default: all but the loopback)",
      collect,
    )
    .option("--http-port <n>", "for script, kernel, initrd and squashfs", "8080")
    .option("--max-transfers <n>", "large files sent at once; other machines wait", "16")
    .option(
      "--dhcp <mode>",
      "proxy, server to give addresses too, or off where machines know where to begin",
      "proxy",
    )
    .option("--dhcp-range <first-last>", "with --dhcp server: the addresses to give")
    .option("--dhcp-lease-time <time>", "with --dhcp server: such as 30m, 12h, 7d (default: 1h)")
    .option("--dhcp-router <address>", "with --dhcp server: the way to other networks")
    .option("--dhcp-dns <address>", "with --dhcp server: a DNS server, may be repeated", collect)
    .option("--force-dhcp", "with --dhcp server: also where another DHCP server answers")
    .option("--machines <file>", "what is done with which machine (YAML)")
    .option("--api <url>", "ask there what each machine boots (pixiecore's API)")
    .option("--allow <mac>", "serve only these machines (52:54:00:*), may be repeated", collect)
    .option("--deny <mac>", "do not serve these machines, may be repeated", collect)
    .option("--once", "boot each machine once, and send it to its disk from then on")
    .option("--state-dir <dir>", "where is kept what outlives the server")
    .option("--cmdline <words>", "added to the kernel's command line")
    .option("--cloud-config <place>", "a file that is served, or an address")
    .option("--ipxe-dir <dir>", "other boot programs than those in /usr/lib/ipxe")
    .option("--check", "look whether all is ready, say so, and serve nothing")
    .option("-q, --quiet", "print nothing but errors")
    .option("-v, --verbose", "tell of those that are ignored, too, and where an error comes from")
    .option("--json", "print JSON lines on standard output")
    .action(run);
  return addHelp(command, help);
}

async function run(directories: string[], flags: Flags): Promise<void> {
  const { serve } = await import("../../boot-server/index.js");
  const options = optionsOf(directories, flags);
  try {
    if (flags.check) await runChecks(options, flags);
    else await withSignals((signal) => serve({ ...options, signal }));
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

const [output, log] = [new LineWriter(process.stdout), new LineWriter(process.stderr)];

function optionsOf(directories: string[], flags: Flags): ServeOptions {
  const { httpPort, maxTransfers, ...same } = flags;
  return {
    ...same,
    directories,
    // What is no number is refused where all options are checked.
    httpPort: Number(httpPort) || Number.NaN,
    maxTransfers: Number(maxTransfers),
    onEvent: (event) => reportEvent(event, flags),
  };
}

/** Tells a person, or a program, what happens while machines are served. */
export function reportEvent(
  event: ServeEvent,
  { quiet, verbose, json }: Pick<Flags, "quiet" | "verbose" | "json">,
): void {
  if (quiet) return;
  if (json) {
    const time = new Date().toISOString();
    output.write(JSON.stringify({ time, ...event }));
    return;
  }
  if (event.type === "ignored" && !event.isNotable && !verbose) return;
  log.write(serveLine(event));
}

function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
