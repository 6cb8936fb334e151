import type { DhcpClients } from "./dhcp-clients.js";
import { fetchFile, fetchText } from "./fetch.js";
import { ownAddress } from "./network-namespace.js";

/**
 * Does what a machine does between power-on and its root file system; curl fetches the files.
 * @returns bytes of all files
 * @throws if anything fails
 */
export async function simulateBoot(machine: number, clients: DhcpClients): Promise<number> {
  const { bootFile } = await waitForOffer(machine, clients, false);
  const program = await fetchFile(
    machine,
    `tftp://${ownAddress}/${bootFile}`,
    "--tftp-blksize",
    "1468",
  );
  const { bootFile: first } = await waitForOffer(machine, clients, true);
  const chained = /^chain --replace (\S+)\?/m.exec(await fetchText(machine, first))?.[1];
  const query = `mac=52-54-00-00-00-${machine.toString(16).padStart(2, "0")}&buildarch=x86_64`;
  const script = await fetchText(machine, `${chained}?${query}&platform=efi`);
  const files = [/^kernel --name \S+ (\S+)/m, /^initrd --name \S+ (\S+)/m, /root=live:(\S+)/];
  let bytes = program;
  for (const pattern of files) {
    const url = pattern.exec(script)?.[1];
    if (url === undefined) throw new Error(`the script of machine ${machine} lacks ${pattern}`);
    bytes += await fetchFile(machine, url);
  }
  return bytes;
}

/** Repeats the request like firmware that receives no reply. */
async function waitForOffer(machine: number, clients: DhcpClients, isIpxe: boolean) {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const offer = await clients.request(machine, isIpxe);
    if (offer !== undefined) return offer;
  }
  throw new Error(`machine ${machine} received no offer`);
}
