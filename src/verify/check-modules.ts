import type { NetbootJson } from "../artifacts/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";

export interface Versions {
  /** The version that the kernel file states. */
  readonly kernel: string | undefined;
  /** The modules in each file that contains some, if they are known. */
  readonly modules: readonly (readonly [file: string, versions: ReadonlySet<string> | undefined])[];
}

/** Checks that the initrd and the root file system contain the modules of the kernel. */
export function* checkModules(
  { kernel, modules }: Versions,
  netbootJson: NetbootJson | undefined,
): Generator<Check> {
  const stated = netbootJson?.kernel.version ?? undefined;
  if (kernel !== undefined && stated !== undefined && kernel !== stated) {
    yield failed("modules", `the kernel is ${kernel}, but netboot.json says ${stated}`);
  }
  const version = kernel ?? stated;
  if (version === undefined) {
    yield unchecked("modules", "neither the kernel nor netboot.json states the kernel's version");
    return;
  }
  for (const [what, found] of modules) {
    if (found === undefined) {
      yield unchecked(
        "modules",
        `the modules in ${what} are unknown, because it could not be listed`,
      );
    } else if (found.has(version)) {
      yield ok("modules", `${what} contains the modules of kernel ${version}`);
    } else if (found.size > 0) {
      const others = [...found].slice(0, 5).join(", ");
      yield failed(
        "modules",
        `${what} contains modules of ${others}, but the kernel is ${version}`,
      );
    } else {
      yield unchecked(
        "modules",
        `${what} contains no /lib/modules, so the kernel needs everything built in`,
      );
    }
  }
}
