import type { OnEntry } from "./cpio.js";
import { findBuiltInDrivers, type RootDriver, rootDriverAt } from "./root-drivers.js";

/** Programs that netbooting depends on. */
const programs = ["curl", "wget", "busybox"] as const;

/** The properties of an initrd that netbooting depends on. */
export class InitrdFeatures {
  /** The names of dracut's modules; undefined if dracut did not make the initrd. */
  dracutModules: ReadonlySet<string> | undefined;
  /** The script with which an initrd of Alpine's mkinitfs boots; undefined for other initrds. */
  alpineInit: string | undefined;
  readonly programs = new Set<(typeof programs)[number]>();
  /** Drivers that it contains or lists as built into its kernel. */
  readonly drivers = new Set<RootDriver>();
  /** Whether busybox can apply the address that it gets by DHCP. */
  hasDhcpScript = false;

  /** The program that made the initrd; undefined if it is another one. */
  get maker(): "dracut" | "mkinitfs" | undefined {
    if (this.dracutModules !== undefined) return "dracut";
    return this.alpineInit === undefined ? undefined : "mkinitfs";
  }

  /** Takes notice of an entry of the initrd. */
  readonly onEntry: OnEntry = (entry) => {
    const name = entry.replace(/^\.?\/+/, "");
    this.#addProgram(name);
    this.#addDriver(name);
    if (name === "usr/share/udhcpc/default.script") this.hasDhcpScript = true;
    return this.#reader(name);
  };

  #addProgram(name: string): void {
    const base = /^(?:usr\/)?s?bin\/([^/]+)$/.exec(name)?.[1];
    const program = programs.find((one) => one === base);
    if (program !== undefined) this.programs.add(program);
  }

  #addDriver(name: string): void {
    const driver = rootDriverAt(name);
    if (driver !== undefined) this.drivers.add(driver);
  }

  #reader(name: string): ReturnType<OnEntry> {
    if (name === "init") return (contents) => this.#readInit(contents.toString("latin1"));
    if (/^(?:usr\/)?lib\/dracut\/modules\.txt$/.test(name)) {
      return (contents) => this.#readDracutModules(contents.toString("latin1"));
    }
    if (/^(?:usr\/)?lib\/modules\/[^/]+\/modules\.builtin$/.test(name)) {
      return (contents) => this.#readBuiltIn(contents.toString("latin1"));
    }
    return undefined;
  }

  #readInit(text: string): void {
    this.alpineInit = text.includes("Alpine Init") ? text : undefined;
  }

  #readDracutModules(text: string): void {
    this.dracutModules = new Set(text.split(/\s+/).filter((name) => name !== ""));
  }

  #readBuiltIn(text: string): void {
    for (const driver of findBuiltInDrivers(text)) this.drivers.add(driver);
  }
}
