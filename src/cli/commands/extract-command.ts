import { Command } from "commander";
// Only these files of sources and squashfs: the indexes would load, for every command, everything
// that a pull or an extraction needs.
import { describeLocalTransports } from "../../sources/transports.js";
import { compressorNames } from "../../squashfs/compressors.js";
import { addHelp, type CommandHelp, exampleImage } from "./command-help.js";
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
      title: "Then boot the machines of this network from the files, until Ctrl-C",
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
    "An interrupted download continues where it stopped, also in the next run. The cache keeps downloads: see kairos-netboot cache --help.",
    `Other sources of images, as skopeo writes them:
${describeLocalTransports()}`,
    "Credentials come from docker login and podman login, certificates from certs.d, mirrors from registries.conf and --mirror, and proxies from HTTPS_PROXY, HTTP_PROXY, and NO_PROXY.",
  ],
};

export function extractCommand(): Command {
  const command = new Command("extract")
    .summary("make kernel, initrd and squashfs from an image")
    .description(
      "Pulls a Kairos container image layer by layer, takes out kernel and initrd, and builds the squashfs of its root file system. Needs no daemon and no root.",
    )
    .argument("[image...]", "registry reference (quay.io/kairos/…:tag), or another source")
    .option("-o, --output <dir>", "directory to make (required)")
    .option("--from-file <list>", "images to extract, one a line; - for standard input")
    .option("--platform <platform>", "linux/ARCH[/VARIANT] (default: this machine's)")
    .option("--name <name>", "common part of the file names (default: from the image)")
    .option("--kernel <path>", "kernel inside the image (default: the one that /boot means)")
    .option("--initrd <path>", "initrd inside the image (default: the one that /boot means)")
    .option(
      "--compression <compressor>",
      `of the squashfs: ${compressorNames.join(", ")}; :LEVEL sets a level`,
      "zstd:3",
    )
    .option("--block-size <size>", "of the squashfs: 4K to 1M", "1M")
    .option("--cache-dir <dir>", "where downloads are kept (default: ~/.cache/kairos-netboot)")
    .option("--no-cache", "keep no downloads")
    .option("--retry-timeout <time>", "how long what fails is tried again: 90s, 2h, or 0", "5m")
    .option("--jobs <n>", "layers to fetch at once, processors to compress with (default: all)")
    .option("--force", "make the files again, also where they are there already")
    .option("--serve", "then do what serve does with the directory, and no options")
    .option("-q, --quiet", "print nothing but the result and errors")
    .option("-v, --verbose", "tell more, and where an error comes from")
    .option("--json", "print JSON lines on standard output")
    .optionsGroup("How machines boot:")
    .option("--url <base>", "where a web server will have the directory, for the script")
    .option("--cloud-config <file>", "put it beside the files, and name it in the script")
    .option("--cmdline <words>", "added to the kernel's command line")
    .option("--cmdline-replace <words>", "in the place of the release's own")
    .option(
      "--console <console>",
      "of the kernel, as ttyS1,115200; can be given again (default: tty1 and ttyS0)",
      (console: string, earlier: string[] = []) => [...earlier, console],
    )
    .optionsGroup("Further files:")
    .option("--iso", "also make an ISO that boots the release from its --url")
    .option("--ipxe-dir <dir>", "boot programs for the ISO, before those of Debian's packages")
    .option("--uki", "also make one EFI program for UEFI HTTP Boot, which knows the --url")
    .option("--uki-key <file>", "private key (PEM) that signs it for Secure Boot")
    .option("--uki-cert <file>", "certificate (PEM) of that key")
    .option("--sbom [format]", "list the image's packages: spdx (default) or cyclonedx")
    .optionsGroup("Signatures:")
    .option("--verify-key <file>", "refuse an image that this public key did not sign (cosign)")
    .option("--sign-key <file>", "sign SHA256SUMS with this private key")
    .action(runExtract);
  return addHelp(addRegistryOptions(command), help);
}
