import type { ApiBoot } from "../machines/api-answer.js";
import { echoText } from "./ipxe-scripts.js";

export interface ApiScriptInput {
  readonly boot: ApiBoot;
  /** Words to add to the command line. */
  readonly commandLine: string;
  /** Returns the URL that the machine fetches instead of one in the API's answer. */
  proxyUrl(url: string, use: "kernel" | "initrd" | "file"): string;
}

/** The script that boots what a boot API says. */
export function apiScript({ boot, commandLine, proxyUrl }: ApiScriptInput): string {
  const initrds = boot.initrds.map((url, index) => ({
    name: `initrd${index}`,
    url: proxyUrl(url, "initrd"),
  }));
  const ownCommandLine = boot.commandLine
    .map((part) => (typeof part === "string" ? part : proxyUrl(part.url, "file")))
    .join("");
  // With UEFI, the kernel finds its initrds by these names.
  const words = [...initrds.map(({ name }) => `initrd=${name}`), ownCommandLine.trim(), commandLine]
    .filter((word) => word !== "")
    .join(" ");
  const commands = [
    `kernel --name kernel ${proxyUrl(boot.kernel, "kernel")} ${words}`.trim(),
    ...initrds.map(({ name, url }) => `initrd --name ${name} ${url}`),
    "boot",
  ];
  return `#!ipxe
echo ${echoText(boot.message) || "Booting"}
:fetch
imgfree
${commands.map((command) => `${command} || goto failed\n`).join("")}:failed
echo Fetching failed. Trying again in 10 seconds.
sleep 10
goto fetch
`;
}
