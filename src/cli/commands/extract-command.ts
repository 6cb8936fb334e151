import { Command } from "commander";
import { extractOptionTable } from "../../extract/option-table.js";
import { addOptionRows } from "./option-rows.js";
import { addRegistryOptions } from "./registry-options.js";
import { runExtract } from "./run-extract.js";

const examples = `
Examples:
  Make the files of a release for this machine's architecture:
    $ kairos-netboot extract quay.io/kairos/hadron:v0.5.1-standard-amd64-generic-v4.3.0 -o out/
  For another architecture:
    $ kairos-netboot extract quay.io/kairos/hadron:v0.5.1-standard-arm64-generic-v4.3.0 \\
        --platform linux/arm64 -o out/
  From an image in a directory, an archive, or a daemon:
    $ kairos-netboot extract oci:build/image:latest -o out/
    $ kairos-netboot extract oci-archive:image.tar -o out/
    $ docker save my-kairos | kairos-netboot extract - -o out/
  Make a smaller squashfs, which takes longer:
    $ kairos-netboot extract IMAGE -o out/ --compression xz
  Make the files and boot the machines of this network from them, until Ctrl-C:
    $ sudo kairos-netboot extract IMAGE -o out/ --serve
  Extract several images, each into its own directory in out/:
    $ kairos-netboot extract --from-file images.txt -o out/
  Prepare the files for a web server, with a cloud-config for the machines:
    $ kairos-netboot extract IMAGE -o out/ --url http://192.168.1.10/kairos --cloud-config cc.yaml
  Pull from a registry that requires a password, through a mirror:
    $ kairos-netboot extract IMAGE -o out/ --username robot --password-stdin < secret \\
        --mirror quay.io=mirror.lan:5000
  In a pipeline:
    $ kairos-netboot extract IMAGE -o out/ --json | jq -r 'select(.type == "result").files[]'

The program makes or replaces the directory as a whole, once all files are complete and verified. The
directory then contains NAME-kernel, NAME-initrd, NAME.squashfs, NAME.ipxe (an iPXE script that boots
them from any web server), netboot.json, provenance.json, and SHA256SUMS. If it already contains
exactly these files, the program does nothing.

An interrupted download continues where it stopped, also in the next run. The program keeps what it
has downloaded: see kairos-netboot cache --help.

Other sources, in skopeo's notation: oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR,
docker-archive:FILE[:NAME:TAG], docker-daemon:NAME[:TAG], and - for an archive on standard input.

Credentials come from docker login and podman login, certificates from certs.d, mirrors from
registries.conf and the options; HTTPS_PROXY, HTTP_PROXY, and NO_PROXY name proxies.`;

export function extractCommand(): Command {
  const command = new Command("extract")
    .summary("make kernel, initrd and squashfs from an image")
    .description(
      "Pulls a Kairos container image layer by layer, takes out the kernel and the initrd, and builds the squashfs of its root file system. Needs no container engine and no root.",
    )
    .argument("[image...]", "registry reference (quay.io/kairos/…:tag), or another source")
    // Not required by commander, which would report it before a mistyped option.
    .option("-o, --output <dir>", "directory to make or replace (required)")
    .option("--from-file <list>", "file with images to extract, one per line; - for standard input")
    .option("--serve", "then serve the directory, as serve does without options")
    .option("-q, --quiet", "print only the result and errors")
    .option("-v, --verbose", "print details, and the causes of errors")
    .option("--json", "print JSON lines on standard output")
    .helpOption("-h, --help", "explain the options")
    .addHelpText("after", examples)
    .action(runExtract);
  addOptionRows(command, extractOptionTable);
  return addRegistryOptions(command);
}
