import { Command } from "commander";
// Only these files of extract and sources: an index would load everything that a pull needs.
import { extractOptionTable } from "../../extract/extract-option-table.js";
import { describeLocalTransports } from "../../sources/transports.js";
import { addHelp, type CommandHelp, exampleImage } from "./command-help.js";
import { addOptionRows } from "./option-rows.js";
import { addRegistryOptions } from "./registry-options.js";
import { runExtract } from "./run-extract.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Make the files of a release for this machine's architecture",
      command: `kairos-netboot extract ${exampleImage} -o out/`,
    },
    {
      title: "For another architecture",
      command: "kairos-netboot extract IMAGE --platform linux/arm64 -o out/",
    },
    {
      title: "From an OCI layout that a build wrote",
      command: "kairos-netboot extract oci:build/image:latest -o out/",
    },
    {
      title: "From an image that only the Docker daemon has",
      command: "docker save my-kairos | kairos-netboot extract - -o out/",
    },
    {
      title: "Compress better, which takes longer",
      command: "kairos-netboot extract IMAGE -o out/ --compression xz",
    },
    {
      title: "Then boot machines on this network from the files, until Ctrl-C",
      command: "sudo kairos-netboot extract IMAGE -o out/ --serve",
    },
    {
      title: "Extract several images, each into its own directory below out/",
      command: "kairos-netboot extract --from-file images.txt -o out/",
    },
    {
      title: "For a web server, with a cloud-config for the machines",
      command:
        "kairos-netboot extract IMAGE -o out/ \\\n        --url http://192.168.1.10/kairos --cloud-config cc.yaml",
    },
    {
      title: "From a registry that requires a password, through a mirror",
      command:
        "kairos-netboot extract IMAGE -o out/ --username robot \\\n        --password-stdin --mirror quay.io=mirror.lan:5000 < secret",
    },
    {
      title: "Print the paths of the files in a pipeline",
      command:
        "kairos-netboot extract IMAGE -o out/ --json \\\n        | jq -r 'select(.type == \"result\").files[]'",
    },
  ],
  notes: [
    "The output directory contains NAME-kernel, NAME-initrd, NAME.squashfs, NAME.ipxe (an iPXE script that boots them from any web server), netboot.json, provenance.json, and SHA256SUMS. The program creates or replaces the directory as a whole, once everything is complete and verified. It does nothing if the directory already contains the same result.",
    "An interrupted download resumes where it stopped, even in the next run. The cache keeps downloads: see kairos-netboot cache --help.",
    `Other sources of images, as skopeo writes them:
${describeLocalTransports()}`,
    "Credentials come from docker login and podman login, certificates from certs.d, mirrors from registries.conf and --mirror, and proxies from HTTPS_PROXY, HTTP_PROXY, and NO_PROXY.",
  ],
};

export function extractCommand(): Command {
  const command = new Command("extract")
    .summary("make a kernel, an initrd, and a squashfs from an image")
    .description(
      "Pulls a Kairos container image layer by layer, extracts the kernel and the initrd, and builds a squashfs of the root file system. Needs neither a container engine nor root.",
    )
    .argument("[image...]", "registry reference (quay.io/kairos/…:tag), or another source")
    // Not required by commander, which would report it before a mistyped option.
    .option("-o, --output <dir>", "directory to make or replace (required)")
    .option("--from-file <list>", "file with images to extract, one per line; - for standard input")
    .option("--serve", "then serve the directory, as serve does without options")
    .option("-q, --quiet", "print only the result and errors")
    .option("-v, --verbose", "print details, and the causes of errors")
    .option("--json", "print JSON lines on standard output")
    .action(runExtract);
  addOptionRows(command, extractOptionTable);
  return addHelp(addRegistryOptions(command), help);
}
