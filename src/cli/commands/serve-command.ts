import { Command } from "commander";
import type { ServeEvent } from "../../boot-server/index.js";
import {
  type ServeTableOptions,
  serveOptionTable,
} from "../../boot-server/options/serve-option-table.js";
import { formatServeEvent } from "../format/format-serve-event.js";
import { LineWriter } from "../reporters/line-writer.js";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp } from "./command-help.js";
import { addOptionRows } from "./option-rows.js";
import { runChecks } from "./serve-check.js";
import { withSignals } from "./signals.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Boot machines on this network, alongside its DHCP server",
      command: "sudo kairos-netboot serve out/",
    },
    {
      title: "With one cloud-config for all machines",
      command: "sudo kairos-netboot serve out/ --cloud-config cloud-config.yaml",
    },
    {
      title: "With settings for each machine, and one network boot per machine",
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

/** The options of `serve` as commander reads them. */
interface ServeFlags extends ServeTableOptions {
  check?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

export function serveCommand(): Command {
  const command = new Command("serve")
    .summary("boot machines on this network from extracted releases")
    .description(
      "Boots machines on this network: answers their boot requests alongside the existing DHCP server, which needs no changes, and serves kernel, initrd, and squashfs.",
    )
    .argument(
      "[dir...]",
      "directories that extract made; the first release for an architecture is the default",
    )
    .option("--check", "check whether serving would work, and do not serve")
    .option("-q, --quiet", "print only errors")
    .option("-v, --verbose", "also print requests that are ignored, and the causes of errors")
    .option("--json", "print JSON lines on standard output")
    .action(run);
  addOptionRows(command, serveOptionTable);
  return addHelp(command, help);
}

async function run(directories: string[], flags: ServeFlags): Promise<void> {
  const { serve } = await import("../../boot-server/index.js");
  const { check, quiet, verbose, json, ...tableOptions } = flags;
  const onEvent = (event: ServeEvent) => reportEvent(event, { quiet, verbose, json });
  const options = { ...tableOptions, directories, onEvent };
  try {
    if (check) await runChecks(options, { json, quiet });
    else await withSignals((signal) => serve({ ...options, signal }));
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

const [output, log] = [new LineWriter(process.stdout), new LineWriter(process.stderr)];

/** Prints what happens while machines are served: one line per event. */
export function reportEvent(
  event: ServeEvent,
  { quiet, verbose, json }: Pick<ServeFlags, "quiet" | "verbose" | "json">,
): void {
  if (quiet) return;
  if (json) {
    const time = new Date().toISOString();
    output.write(JSON.stringify({ time, ...event }));
    return;
  }
  if (event.type === "ignored" && !event.isNotable && !verbose) return;
  log.write(formatServeEvent(event));
}
