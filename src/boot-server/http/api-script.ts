import type { ApiBoot } from "../machines/api-answer.js";
import { lineOf } from "./scripts.js";

export interface ApiScriptInput {
  readonly boot: ApiBoot;
  /** Added to the command line. */
  readonly commandLine: string;
  /** The address that the machine is to fetch instead of one that the API names. */
  addressOf(url: string, use: "kernel" | "initrd" | "file"): string;
}

/** The script that boots what a boot API says. */
export function apiScript({ boot, commandLine, addressOf }: ApiScriptInput): string {
  const initrds = boot.initrds.map((url, index) => ({
    name: `initrd${index}`,
    address: addressOf(url, "initrd"),
  }));
  const own = boot.commandLine
    .map((part) => (typeof part === "string" ? part : addressOf(part.url, "file")))
    .join("");
  // Under UEFI, the kernel finds its initrds by these names.
  const line = [...initrds.map(({ name }) => `initrd=${name}`), own.trim(), commandLine];
  const words = line.filter((word) => word !== "").join(" ");
  const fetches = [
    `kernel --name kernel ${addressOf(boot.kernel, "kernel")} ${words}`.trim(),
    ...initrds.map(({ name, address }) => `initrd --name ${name} ${address}`),
    "boot",
  ];
  return `#!ipxe
echo ${lineOf(boot.message) || "Booting"}
:fetch
imgfree
${fetches.map((command) => `${command} || goto failed\n`).join("")}:failed
echo Fetching failed; trying again in 10 seconds.
sleep 10
goto fetch
`;
}
