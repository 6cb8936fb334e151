import type { NetbootJson } from "../artifacts/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";

export interface Versions {
  /** As the kernel file itself says. */
  readonly kernel: string | undefined;
  /** Of each file that has modules: what it has, if that is known. */
  readonly modules: readonly (readonly [file: string, versions: ReadonlySet<string> | undefined])[];
}

/** Whether initrd and root file system have the modules of the kernel that is booted. */
export function* checkModules(
  { kernel, modules }: Versions,
  description: NetbootJson | undefined,
): Generator<Check> {
  const stated = description?.kernel.version ?? undefined;
  if (kernel !== undefined && stated !== undefined && kernel !== stated) {
    yield failed("modules", `the kernel is ${kernel}, but netboot.json says ${stated}`);
  }
  const version = kernel ?? stated;
  if (version === undefined) {
    yield unchecked("modules", "neither the kernel nor netboot.json tells the kernel's version");
    return;
  }
  for (const [what, found] of modules) {
    if (found === undefined) {
      yield unchecked("modules", `the modules in ${what} are unknown: it could not be listed`);
    } else if (found.has(version)) {
      yield ok("modules", `${what} has the modules of kernel ${version}`);
    } else if (found.size > 0) {
      const others = [...found].slice(0, 5).join(", ");
      yield failed("modules", `${what} has modules of ${others}, but the kernel is ${version}`);
    } else {
      yield unchecked("modules", `${what} has no /lib/modules: all has to be in the kernel`);
    }
  }
}
