import type { AskingMachines } from "./asking-machines.js";
import { fetchOne, fetchText } from "./fetch-all.js";
import { ours } from "./own-network.js";

/**
 * Does what a machine does from power-on to its root filesystem, with curl for all that it fetches.
 * @returns bytes of all files
 * @throws if anything fails
 */
export async function bootMachine(machine: number, asking: AskingMachines): Promise<number> {
  const { bootFile } = await offerTo(machine, asking, false);
  const program = await fetchOne(machine, `tftp://${ours}/${bootFile}`, "--tftp-blksize", "1468");
  const { bootFile: first } = await offerTo(machine, asking, true);
  const chained = /^chain --replace (\S+)\?/m.exec(await fetchText(machine, first))?.[1];
  const query = `mac=52-54-00-00-00-${machine.toString(16).padStart(2, "0")}&buildarch=x86_64`;
  const script = await fetchText(machine, `${chained}?${query}&platform=efi`);
  const files = [/^kernel --name \S+ (\S+)/m, /^initrd --name \S+ (\S+)/m, /root=live:(\S+)/];
  let bytes = program;
  for (const pattern of files) bytes += await fetchOne(machine, pattern.exec(script)![1]!);
  return bytes;
}

/** Firmware asks again when it hears nothing. */
async function offerTo(machine: number, asking: AskingMachines, isIpxe: boolean) {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const offer = await asking.ask(machine, isIpxe);
    if (offer !== undefined) return offer;
  }
  throw new Error(`machine ${machine} got no offer`);
}
