import { compareVersions } from "./compare-versions.js";
import type { Kernel, KernelFile } from "./kernels.js";

/** A kernel of an image, and what the image has for it. */
export interface KernelCandidate {
  readonly kernel: KernelFile;
  readonly hasInitrd: boolean;
  /** Whether its modules are complete. */
  readonly hasModules: boolean;
}

/** The kernel with an initrd and complete modules; the newest one if there are several. */
export function chooseKernel(candidates: readonly [KernelCandidate, ...KernelCandidate[]]): Kernel {
  const [first] = candidates;
  if (candidates.length === 1) return { ...first.kernel, reason: "it is the only one" };
  const most = Math.max(...candidates.map(completeness));
  const [best = first, ...others] = candidates
    .filter((candidate) => completeness(candidate) === most)
    .sort((one, other) => compareVersions(sortKey(other), sortKey(one)));
  return { ...best.kernel, reason: reasonFor(best, others.length, candidates.length) };
}

/** Without an initrd, a kernel cannot boot; without modules, it may. */
function completeness({ hasInitrd, hasModules }: KernelCandidate): number {
  return 2 * Number(hasInitrd) + Number(hasModules);
}

function sortKey({ kernel }: KernelCandidate): string {
  return kernel.version ?? kernel.file.path;
}

function reasonFor(best: KernelCandidate, equals: number, all: number): string {
  const parts = [best.hasInitrd && "an initrd", best.hasModules && "complete modules"];
  const what = parts.filter(Boolean).join(" and ");
  if (what === "")
    return `none of the ${all} kernels has an initrd or its modules, and it is the newest`;
  if (equals === 0) return `of ${all} kernels, only this one has ${what}`;
  return `it is the newest of ${equals + 1} kernels with ${what}`;
}
